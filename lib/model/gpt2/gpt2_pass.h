// What one micro-batch has on its way through a GPT-2: shared by its forward and its backward, and
// seen by nobody else.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lib/model/gpt2/gpt2_model.h"
#include "lib/ops/attention.h"
#include "lib/ops/dropout.h"
#include "lib/ops/norm.h"
#include "lib/ops/row_ids.h"
#include "lib/ops/segments.h"

namespace precis {

/// What a block keeps for its backward. R rows: N, or M behind attention in the last block.
struct Gpt2Model::BlockState {
  ops::NormState norm_1,
      norm_2;  // inputs: the residual stream before attention [N, C], before the MLP [R, C]
  at::Tensor h1, qkv, y;    // [N, C], [N, 3C], [N, C]
  at::Tensor rows_y;        // [R, C]: y, or its target rows
  at::Tensor h2, fc, gelu;  // [R, C], [R, 4C], [R, 4C]
  at::Tensor mlp;           // [R, C]: added to the residual stream by the next norm
  ops::AttentionState attention;
};

struct Gpt2Model::Pass {
  const Weights& weights;
  const at::Tensor& tokens;                 // [N]
  ops::RowIds rows;                         // [N]
  const ops::Segments* segments = nullptr;  // null: one token a row, over a cache
  const at::Tensor* target_rows = nullptr;  // [M]; null: all rows
  const at::Tensor* targets = nullptr;      // [M]
  const TrainPass* train = nullptr;         // null: no backward follows
  const Gradients* gradients = nullptr;
  const CachePass* cache = nullptr;  // null: nothing is kept for later tokens
  ops::RowIds target_ids = {};       // [M], in training
  std::vector<BlockState> blocks = {};
  ops::NormState final_norm = {};
  at::Tensor grad_residual = {};  // float32, [R, C] of the block in hand
  at::Tensor grad_branch = {};    // T: gradient of what the block's last residual sum added
  // The same for all N rows: in use from the last block's attention down.
  at::Tensor all_residual = {}, all_branch = {};

  Pass(const Weights& w, const RaggedBatch& batch)
      : weights(w),
        tokens(batch.tokens),
        rows(batch.rows),
        segments(&batch.segments),
        target_rows(&batch.target_rows),
        targets(&batch.targets) {}
  Pass(const Weights& w, const NextTokens& next)
      : weights(w), tokens(next.tokens), rows{{}, next.positions} {}

  int64_t num_rows() const { return tokens.size(0); }
  int64_t num_targets() const { return target_rows != nullptr ? target_rows->size(0) : num_rows(); }
  BlockState& state(int64_t block) { return blocks[static_cast<size_t>(block)]; }
  /// Whether behind this block's attention only target rows go on.
  bool selects_rows(int64_t block) const {
    return target_rows != nullptr && block + 1 == static_cast<int64_t>(blocks.size());
  }
  const ops::RowIds& rows_behind(int64_t block) const {
    return selects_rows(block) ? target_ids : rows;
  }
  Dropout dropout(DropoutSite site) const {
    return train != nullptr ? Dropout(train->dropout, site) : Dropout();
  }
};

}  // namespace precis
