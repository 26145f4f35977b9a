// The backward of a GPT-2, block by block from the last to the first.
#include <ATen/ATen.h>

#include "lib/model/gpt2/gpt2_model.h"
#include "lib/model/gpt2/gpt2_pass.h"
#include "lib/ops/embedding.h"
#include "lib/ops/sums.h"

namespace precis {

/// In: grad_residual and grad_branch of the stream behind this block (R rows). Out: those behind
/// its attention.
void Gpt2Model::backward_mlp(Pass& pass, int64_t block) {
  const Block& layers = blocks_[static_cast<size_t>(block)];
  const BlockState& s = pass.state(block);
  const at::ScalarType t = pass.weights.type();
  const int64_t c = shape_.n_embd, r = s.h2.size(0);
  const at::Tensor grad_fc = workspace_.take({r, 4 * c}, t), grad_h2 = workspace_.take({r, c}, t);
  layers.mlp_proj.backward(pass.weights, *pass.gradients, pass.grad_branch, s.gelu, {});
  layers.mlp_proj.backward_gelu(pass.weights, pass.grad_branch, s.fc, shape_.gelu_tanh, grad_fc,
                                layers.c_fc.bias_gradient(*pass.gradients));
  layers.c_fc.backward(pass.weights, *pass.gradients, grad_fc, s.h2, grad_h2);
  ops::residual_norm_backward(
      grad_h2, {pass.rows_behind(block), pass.dropout(DropoutSite::attention_output(block))},
      layers.ln_2.of(pass.weights), s.norm_2,
      {pass.grad_residual, pass.grad_branch, layers.attn_proj.bias_gradient(*pass.gradients),
       layers.ln_2.of(*pass.gradients)});
}

/// In: what backward_mlp leaves. Out: grad_residual and grad_branch behind the block before (N
/// rows).
void Gpt2Model::backward_attention(Pass& pass, int64_t block) {
  const Block& layers = blocks_[static_cast<size_t>(block)];
  const BlockState& s = pass.state(block);
  const at::ScalarType t = pass.weights.type();
  const int64_t n = pass.num_rows(), c = shape_.n_embd;
  const at::Tensor grad_rows_y = workspace_.take({s.rows_y.size(0), c}, t);
  layers.attn_proj.backward(pass.weights, *pass.gradients, pass.grad_branch, s.rows_y, grad_rows_y);
  at::Tensor grad_y = grad_rows_y;
  if (pass.selects_rows(block)) {  // rows without a target get no gradient from behind attention
    grad_y = workspace_.take({n, c}, t).zero_();
    grad_y.index_copy_(0, *pass.target_rows, grad_rows_y);
    pass.all_residual.zero_().index_copy_(0, *pass.target_rows, pass.grad_residual);
    pass.grad_residual = pass.all_residual;
    pass.grad_branch = pass.all_branch;
  }
  const at::Tensor grad_qkv = workspace_.take({n, 3 * c}, t), grad_h1 = workspace_.take({n, c}, t);
  ops::attention_backward(*pass.segments, shape_.n_head,
                          pass.dropout(DropoutSite::attention(block)), s.attention,
                          {s.qkv, s.y, grad_y}, grad_qkv);
  if (const at::Tensor sums = layers.c_attn.bias_gradient(*pass.gradients); sums.defined())
    ops::add_column_sums(grad_qkv, sums);
  layers.c_attn.backward(pass.weights, *pass.gradients, grad_qkv, s.h1, grad_h1);
  // Below the first block is the embedding, which takes the residual gradient itself.
  const bool first = block == 0;
  ops::residual_norm_backward(
      grad_h1, {pass.rows, first ? Dropout() : pass.dropout(DropoutSite::mlp_output(block - 1))},
      layers.ln_1.of(pass.weights), s.norm_1,
      {pass.grad_residual, first ? at::Tensor() : pass.grad_branch,
       first ? at::Tensor() : mlp_bias(pass, block - 1), layers.ln_1.of(*pass.gradients)});
}

/// The gradient of the bias of a block's MLP: what the norm behind the block adds it to.
at::Tensor Gpt2Model::mlp_bias(const Pass& pass, int64_t block) const {
  return blocks_[static_cast<size_t>(block)].mlp_proj.bias_gradient(*pass.gradients);
}

/// grad_h: of the final hidden rows [M, C].
void Gpt2Model::backward(Pass& pass, const at::Tensor& grad_h) {
  const int64_t n = pass.num_rows(), m = pass.num_targets(), c = shape_.n_embd;
  const at::ScalarType t = pass.weights.type();
  pass.grad_residual = workspace_.take({m, c}, at::kFloat).zero_();
  pass.grad_branch = workspace_.take({m, c}, t);
  pass.all_residual = workspace_.take({n, c}, at::kFloat);
  pass.all_branch = workspace_.take({n, c}, t);
  ops::residual_norm_backward(
      grad_h, {pass.target_ids, pass.dropout(DropoutSite::mlp_output(shape_.n_layer - 1))},
      ln_f_.of(pass.weights), pass.final_norm,
      {pass.grad_residual, pass.grad_branch, mlp_bias(pass, shape_.n_layer - 1),
       ln_f_.of(*pass.gradients)});
  int64_t stage = 0;
  const auto end_stage = [&] {
    if (pass.train->gradients_final) pass.train->gradients_final(table_.final_after(stage));
    ++stage;
  };
  end_stage();
  for (int64_t block = shape_.n_layer - 1; block >= 0; --block) {
    const Workspace::Mark block_mark(workspace_);
    backward_mlp(pass, block);
    backward_attention(pass, block);
    end_stage();
  }
  ops::embed_backward(pass.tokens, {pass.rows, pass.dropout(DropoutSite::embedding())},
                      pass.grad_residual, (*pass.gradients)[wte_], (*pass.gradients)[wpe_]);
  end_stage();
}

}  // namespace precis
