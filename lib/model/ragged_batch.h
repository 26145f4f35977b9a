// A micro-batch: the tokens of its samples one after another, and nothing between them.
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

/// How much at the end of a batch's arrays is nobody's: whole samples, whose targets are kNoTarget.
struct Padding {
  int64_t tokens = 0, samples = 0, targets = 0;
};

/// Shapes: N input tokens in all, B samples, M positions whose next token counts. All int64. Inputs
/// of a sample with targets are its tokens less the last. N, B and M are the arrays' sizes; what is
/// counted (num_tokens() and so on) is without padding.
struct RaggedBatch {
  at::Tensor tokens;       ///< [N]
  ops::RowIds rows;        ///< [N]: positions, from 0 in each sample, and the sample's dropout key
  ops::Segments segments;  ///< B
  at::Tensor target_rows;  ///< [M], ascending
  at::Tensor targets;      ///< [M], the tokens wanted there
  at::Tensor memory;       ///< [words] int64: where all of them lie; undefined: each has its own
  Padding padding;         ///< what of them is there for their sizes' sake

  int64_t num_tokens() const { return tokens.size(0) - padding.tokens; }
  int64_t num_samples() const { return segments.num_samples() - padding.samples; }
  int64_t num_targets() const { return targets.size(0) - padding.targets; }

  /// On a GPU, moved there in one piece of memory by one copy; on the CPU, this.
  RaggedBatch to(const at::Device& device) const;
  /// A copy in one piece of memory on the CPU. `pinned`: a GPU copies from it on its own.
  RaggedBatch in_one_piece(bool pinned) const;
  /// The same arrays in other memory, which holds what that of a batch of these sizes does.
  RaggedBatch in_memory(const at::Tensor& memory) const;
};

/// On the CPU. `with_targets` false: every token is input, and target_rows is each sample's last
/// row.
RaggedBatch make_ragged_batch(std::span<const RaggedSample> samples, bool with_targets);

}  // namespace precis
