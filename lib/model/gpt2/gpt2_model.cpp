#include "lib/model/gpt2/gpt2_model.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "lib/model/cost.h"

namespace precis {
/// What a block keeps for its backward. R rows: N, or M behind attention in the last block.
struct Gpt::BlockState {
  ops::NormState norm_1,
      norm_2;  // inputs: the residual stream before attention [N, C], before the MLP [R, C]
  at::Tensor h1, qkv, y;    // [N, C], [N, 3C], [N, C]
  at::Tensor rows_y;        // [R, C]: y, or its target rows
  at::Tensor h2, fc, gelu;  // [R, C], [R, 4C], [R, 4C]
  at::Tensor mlp;           // [R, C]: added to the residual stream by the next norm
  ops::AttentionState attention;
};

/// One micro-batch on its way through the model.
struct Gpt::Pass {
  const RaggedBatch& batch;
  const GptWeights& weights;
  const TrainPass* train = nullptr;  // null: no backward follows
  const GptTensors* gradients = nullptr;
  const Attend* attend = nullptr;
  ops::RowIds rows, target_rows;
  std::vector<BlockState> blocks = {};
  ops::NormState final_norm = {};
  at::Tensor grad_residual = {};  // float32, [R, C] of the block in hand
  at::Tensor grad_branch = {};    // T: gradient of what the block's last residual sum added
  at::Tensor all_residual = {},
             all_branch =
                 {};  // the same for all N rows: in use from the last block's attention down

  Dropout dropout(DropoutSite site) const {
    return train != nullptr ? Dropout(train->dropout, site) : Dropout();
  }
};

Gpt::Gpt(const ParameterLayout& layout, at::Device device)
    : layout_(layout), device_(device), workspace_(device) {}

void Gpt::forward_block(Pass& pass, int64_t block) {
  const BlockTensors& w = pass.weights.compute.blocks[static_cast<size_t>(block)];
  const BlockTensors& master = pass.weights.master.blocks[static_cast<size_t>(block)];
  BlockState& s = pass.blocks[static_cast<size_t>(block)];
  const at::ScalarType t = pass.weights.type();
  const int64_t n = pass.batch.num_tokens(), c = shape().n_embd;
  const bool keep = pass.train != nullptr, last = block + 1 == shape().n_layer;
  // Without a backward the blocks share their memory, the residual stream included.
  BlockState* before = block > 0 ? &pass.blocks[static_cast<size_t>(block - 1)] : nullptr;
  const at::Tensor added = before != nullptr ? before->mlp : at::Tensor();
  const at::Tensor stream = before != nullptr ? before->norm_2.x : at::Tensor();
  if (!keep && before != nullptr) s = std::move(*before);
  const auto take = [&](at::Tensor& tensor, at::IntArrayRef sizes, at::ScalarType type) {
    if (!tensor.defined() || tensor.sizes() != sizes) tensor = workspace_.take(sizes, type);
  };
  const auto take_norm = [&](ops::NormState& state, int64_t rows) {
    take(state.x, {rows, c}, at::kFloat);
    if (keep) take(state.mean, {rows}, at::kFloat), take(state.rstd, {rows}, at::kFloat);
  };

  // The first norm adds what the block before left; the embedding has nothing to add.
  take(s.h1, {n, c}, t);
  take_norm(s.norm_1, n);
  if (block == 0)
    ops::embed(pass.batch.tokens, pass.rows, pass.weights.master.wte, pass.weights.master.wpe,
               pass.dropout(DropoutSite::embedding()), s.norm_1.x);
  ops::residual_norm(block == 0 ? s.norm_1.x : stream, added, pass.rows,
                     pass.dropout(DropoutSite::mlp_output(block - 1)),
                     norm(master.ln_1_weight, master.ln_1_bias), s.norm_1, s.h1);
  take(s.qkv, {n, 3 * c}, t);
  ops::linear(s.h1, w.attn_weight, w.attn_bias, s.qkv);
  take(s.y, {n, c}, t);
  if (pass.attend != nullptr && *pass.attend)
    (*pass.attend)(block, s.qkv, s.y);
  else
    s.attention = ops::attention(pass.batch, shape().n_head,
                                 pass.dropout(DropoutSite::attention(block)), s.qkv, s.y, keep);

  at::Tensor x = s.norm_1.x;
  s.rows_y = s.y;
  if (last) {
    s.rows_y = workspace_.take({pass.batch.num_targets(), c}, t);
    at::index_select_out(s.rows_y, s.y, 0, pass.batch.target_rows);
    at::Tensor chosen = workspace_.take({pass.batch.num_targets(), c}, at::kFloat);
    x = at::index_select_out(chosen, x, 0, pass.batch.target_rows);
  }
  const ops::RowIds& rows = last ? pass.target_rows : pass.rows;
  const int64_t r = x.size(0);
  take(s.mlp, {r, c}, t);  // holds what attention adds first, then what the MLP adds
  ops::linear(s.rows_y, w.proj_weight, w.proj_bias, s.mlp);
  take(s.h2, {r, c}, t);
  take_norm(s.norm_2, r);
  ops::residual_norm(x, s.mlp, rows, pass.dropout(DropoutSite::attention_output(block)),
                     norm(master.ln_2_weight, master.ln_2_bias), s.norm_2, s.h2);
  take(s.fc, {r, 4 * c}, t);
  ops::linear(s.h2, w.fc_weight, w.fc_bias, s.fc);
  take(s.gelu, {r, 4 * c}, t);
  ops::gelu(s.fc, shape().gelu_tanh, s.gelu);
  ops::linear(s.gelu, w.mlp_weight, w.mlp_bias, s.mlp);
}

/// Final hidden rows [M, C] in T.
at::Tensor Gpt::forward(Pass& pass) {
  pass.rows = {pass.batch.row_keys, pass.batch.positions};
  pass.target_rows = pass.rows.select(pass.batch.target_rows);
  pass.blocks.resize(static_cast<size_t>(shape().n_layer));
  for (int64_t block = 0; block < shape().n_layer; ++block) forward_block(pass, block);
  const int64_t m = pass.batch.num_targets(), c = shape().n_embd;
  const BlockState& last = pass.blocks.back();
  pass.final_norm.x = workspace_.take({m, c}, at::kFloat);
  if (pass.train != nullptr) {
    pass.final_norm.mean = workspace_.take({m}, at::kFloat);
    pass.final_norm.rstd = workspace_.take({m}, at::kFloat);
  }
  at::Tensor h = workspace_.take({m, c}, pass.weights.type());
  ops::residual_norm(last.norm_2.x, last.mlp, pass.target_rows,
                     pass.dropout(DropoutSite::mlp_output(shape().n_layer - 1)),
                     norm(pass.weights.master.ln_f_weight, pass.weights.master.ln_f_bias),
                     pass.final_norm, h);
  return h;
}

/// Head and loss in pieces of rows, so that logits of all of them never exist at once; grad_h
/// undefined: loss alone.
at::Tensor Gpt::head_loss(Pass& pass, const at::Tensor& h, const at::Tensor& grad_h) {
  const at::Tensor& wte = pass.weights.compute.wte;
  at::Tensor loss = at::zeros({}, at::TensorOptions(device_).dtype(at::kDouble));
  for (int64_t begin = 0; begin < h.size(0); begin += kHeadRows) {
    const Workspace::Mark mark(workspace_);
    const int64_t rows = std::min(kHeadRows, h.size(0) - begin);
    const at::Tensor logits = workspace_.take({rows, shape().vocab_size}, h.scalar_type());
    ops::linear(h.narrow(0, begin, rows), wte, {}, logits);
    loss.add_(ops::cross_entropy(logits, pass.batch.targets.narrow(0, begin, rows),
                                 grad_h.defined() ? pass.train->scale : 0));
    if (grad_h.defined())
      ops::linear_backward(logits, h.narrow(0, begin, rows), wte, pass.gradients->wte, {},
                           grad_h.narrow(0, begin, rows));
  }
  return loss;
}

/// In: grad_residual and grad_branch of the stream behind this block (R rows). Out: those behind
/// the block before it (N rows).
void Gpt::backward_block(Pass& pass, int64_t block) {
  const BlockTensors& w = pass.weights.compute.blocks[static_cast<size_t>(block)];
  const BlockTensors& master = pass.weights.master.blocks[static_cast<size_t>(block)];
  const BlockTensors& g = pass.gradients->blocks[static_cast<size_t>(block)];
  const BlockState& s = pass.blocks[static_cast<size_t>(block)];
  const at::ScalarType t = pass.weights.type();
  const int64_t n = pass.batch.num_tokens(), c = shape().n_embd, r = s.h2.size(0);
  const bool last = block + 1 == shape().n_layer;

  const at::Tensor grad_fc = workspace_.take({r, 4 * c}, t), grad_h2 = workspace_.take({r, c}, t);
  ops::linear_backward(pass.grad_branch, s.gelu, w.mlp_weight, g.mlp_weight, g.mlp_bias, grad_fc);
  ops::gelu_backward(grad_fc, s.fc, shape().gelu_tanh, grad_fc);
  ops::linear_backward(grad_fc, s.h2, w.fc_weight, g.fc_weight, g.fc_bias, grad_h2);
  ops::residual_norm_backward(grad_h2, last ? pass.target_rows : pass.rows,
                              pass.dropout(DropoutSite::attention_output(block)),
                              norm(master.ln_2_weight, master.ln_2_bias), s.norm_2,
                              pass.grad_residual, pass.grad_branch,
                              norm(g.ln_2_weight, g.ln_2_bias));
  const at::Tensor grad_rows_y = workspace_.take({r, c}, t);
  ops::linear_backward(pass.grad_branch, s.rows_y, w.proj_weight, g.proj_weight, g.proj_bias,
                       grad_rows_y);
  at::Tensor grad_y = grad_rows_y;
  if (last) {  // rows without a target get no gradient from behind attention
    grad_y = workspace_.take({n, c}, t).zero_();
    grad_y.index_copy_(0, pass.batch.target_rows, grad_rows_y);
    pass.all_residual.zero_().index_copy_(0, pass.batch.target_rows, pass.grad_residual);
    pass.grad_residual = pass.all_residual;
    pass.grad_branch = pass.all_branch;
  }
  const at::Tensor grad_qkv = workspace_.take({n, 3 * c}, t), grad_h1 = workspace_.take({n, c}, t);
  ops::attention_backward(pass.batch, shape().n_head, pass.dropout(DropoutSite::attention(block)),
                          s.attention, s.qkv, s.y, grad_y, grad_qkv);
  ops::linear_backward(grad_qkv, s.h1, w.attn_weight, g.attn_weight, g.attn_bias, grad_h1);
  const bool first =
      block == 0;  // below it is the embedding, which takes the residual gradient itself
  ops::residual_norm_backward(
      grad_h1, pass.rows, first ? Dropout() : pass.dropout(DropoutSite::mlp_output(block - 1)),
      norm(master.ln_1_weight, master.ln_1_bias), s.norm_1, pass.grad_residual,
      first ? at::Tensor() : pass.grad_branch, norm(g.ln_1_weight, g.ln_1_bias));
}

at::Tensor Gpt::train(const RaggedBatch& batch, const GptWeights& weights,
                      const GptTensors& gradients, const TrainPass& train) {
  const Workspace::Mark mark(workspace_);
  Pass pass{batch, weights, &train, &gradients, nullptr, {}, {}};
  const at::Tensor h = forward(pass);
  const int64_t m = h.size(0), c = shape().n_embd;
  const at::Tensor grad_h = workspace_.take({m, c}, h.scalar_type());
  const at::Tensor loss = head_loss(pass, h, grad_h);
  pass.grad_residual = workspace_.take({m, c}, at::kFloat).zero_();
  pass.grad_branch = workspace_.take({m, c}, h.scalar_type());
  pass.all_residual = workspace_.take({batch.num_tokens(), c}, at::kFloat);
  pass.all_branch = workspace_.take({batch.num_tokens(), c}, h.scalar_type());
  ops::residual_norm_backward(
      grad_h, pass.target_rows, pass.dropout(DropoutSite::mlp_output(shape().n_layer - 1)),
      norm(weights.master.ln_f_weight, weights.master.ln_f_bias), pass.final_norm,
      pass.grad_residual, pass.grad_branch, norm(gradients.ln_f_weight, gradients.ln_f_bias));
  const auto report = [&](int64_t stage) {
    if (train.gradients_final) train.gradients_final(layout_.final_after(stage));
  };
  report(0);
  for (int64_t block = shape().n_layer - 1; block >= 0; --block) {
    const Workspace::Mark block_mark(workspace_);
    backward_block(pass, block);
    report(shape().n_layer - block);
  }
  ops::embed_backward(batch.tokens, pass.rows, pass.grad_residual,
                      pass.dropout(DropoutSite::embedding()), gradients.wte, gradients.wpe);
  report(shape().n_layer + 1);
  return loss;
}

at::Tensor Gpt::loss(const RaggedBatch& batch, const GptWeights& weights) {
  const Workspace::Mark mark(workspace_);
  Pass pass{batch, weights, nullptr, nullptr, nullptr, {}, {}};
  return head_loss(pass, forward(pass), {});
}

at::Tensor Gpt::logits(const RaggedBatch& batch, const GptWeights& weights, const Attend& attend) {
  const Workspace::Mark mark(workspace_);
  Pass pass{batch, weights, nullptr, nullptr, &attend, {}, {}};
  const at::Tensor h = forward(pass);
  at::Tensor out = at::empty({h.size(0), shape().vocab_size}, h.options());
  ops::linear(h, weights.compute.wte, {}, out);
  return out.to(at::kFloat);
}

}  // namespace precis
