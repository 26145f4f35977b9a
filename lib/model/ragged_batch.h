// A micro-batch without padding: the tokens of its samples one after another.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace precis {

/// One sample of a micro-batch.
struct RaggedSample {
  std::span<const int32_t> tokens;  ///< prompt, then target tokens (none: a prompt to be continued)
  int64_t prompt_tokens = 0;        ///< how many of them are prompt
  uint64_t key = 0;                 ///< what its dropout depends on
};

/// Shapes: N input tokens in all, B samples, M positions whose next token counts. All int64 but
/// offsets. Inputs of a sample with targets are its tokens less the last.
struct RaggedBatch {
  at::Tensor tokens;       ///< [N]
  at::Tensor positions;    ///< [N], from 0 in each sample
  at::Tensor row_keys;     ///< [N], the sample's dropout key
  at::Tensor offsets;      ///< [B + 1] int32: sample b is rows offsets[b] .. offsets[b + 1]
  at::Tensor target_rows;  ///< [M], ascending
  at::Tensor targets;      ///< [M], the tokens wanted there
  at::Tensor sample_keys;  ///< [B]
  uint64_t dropout_key =
      0;  ///< of the whole micro-batch, where dropout cannot go by sample (attention on CUDA)
  std::vector<int32_t> host_offsets;  ///< offsets, on the host
  int64_t max_length = 0;             ///< longest sample, in input tokens

  int64_t num_tokens() const { return tokens.size(0); }
  int64_t num_samples() const { return static_cast<int64_t>(host_offsets.size()) - 1; }
  int64_t num_targets() const { return targets.size(0); }
  RaggedBatch to(const at::Device& device) const;
};

/// On the CPU. `with_targets` false: every token is input, and target_rows is each sample's last
/// row.
RaggedBatch make_ragged_batch(std::span<const RaggedSample> samples, bool with_targets);

}  // namespace precis
