// A micro-batch without padding: the tokens of its samples one after another.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "lib/ops/row_ids.h"
#include "lib/ops/segments.h"

namespace precis {

/// One sample of a micro-batch.
struct RaggedSample {
  std::span<const int32_t> tokens;  ///< prompt, then target tokens (none: a prompt to be continued)
  int64_t prompt_tokens = 0;        ///< how many of them are prompt
  uint64_t key = 0;                 ///< what its dropout depends on
};

/// Shapes: N input tokens in all, B samples, M positions whose next token counts. All int64. Inputs
/// of a sample with targets are its tokens less the last.
struct RaggedBatch {
  at::Tensor tokens;       ///< [N]
  ops::RowIds rows;        ///< [N]: positions, from 0 in each sample, and the sample's dropout key
  ops::Segments segments;  ///< B
  at::Tensor target_rows;  ///< [M], ascending
  at::Tensor targets;      ///< [M], the tokens wanted there

  int64_t num_tokens() const { return tokens.size(0); }
  int64_t num_samples() const { return segments.num_samples(); }
  int64_t num_targets() const { return targets.size(0); }
  RaggedBatch to(const at::Device& device) const;
};

/// On the CPU. `with_targets` false: every token is input, and target_rows is each sample's last
/// row.
RaggedBatch make_ragged_batch(std::span<const RaggedSample> samples, bool with_targets);

}  // namespace precis
