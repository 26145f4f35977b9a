#include "lib/model/gpt2/gpt2_model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/profile.h"
#include "lib/model/gpt2/gpt2_pass.h"
#include "lib/ops/cached_attention.h"
#include "lib/ops/cross_entropy.h"
#include "lib/ops/embedding.h"
#include "lib/ops/linear.h"
#include "lib/ops/route.h"

namespace precis {

Gpt2Model::Block::Block(const ParameterTable& table, const std::string& name, double epsilon)
    : ln_1(table, name + ".ln_1", epsilon),
      c_attn(table, name + ".attn.c_attn"),
      attn_proj(table, name + ".attn.c_proj"),
      ln_2(table, name + ".ln_2", epsilon),
      c_fc(table, name + ".mlp.c_fc"),
      mlp_proj(table, name + ".mlp.c_proj") {}

Gpt2Model::Gpt2Model(const Gpt2Shape& shape, const ParameterTable& table, at::Device device)
    : shape_(shape),
      table_(table),
      device_(device),
      wte_(table.index(kGpt2Embedding)),
      wpe_(table.index("transformer.wpe.weight")),
      ln_f_(table, "transformer.ln_f", shape.layer_norm_epsilon),
      workspace_(device) {
  for (int64_t l = 0; l < shape.n_layer; ++l)
    blocks_.emplace_back(table, fmt::format("transformer.h.{}", l), shape.layer_norm_epsilon);
}

/// Memory that is there already, where it fits, is used again.
void Gpt2Model::take(at::Tensor& tensor, at::IntArrayRef sizes, at::ScalarType type) {
  if (!tensor.defined() || tensor.sizes() != sizes) tensor = workspace_.take(sizes, type);
}

void Gpt2Model::take(ops::NormState& state, int64_t rows, bool keep) {
  take(state.x, {rows, shape_.n_embd}, at::kFloat);
  if (!keep) return;
  take(state.mean, {rows}, at::kFloat);
  take(state.rstd, {rows}, at::kFloat);
}

/// Up to and with attention: s.y from what the block before left, or from the embedding.
void Gpt2Model::forward_attention(Pass& pass, int64_t block) {
  const Block& layers = blocks_[static_cast<size_t>(block)];
  const at::ScalarType t = pass.weights.type();
  const int64_t n = pass.num_rows(), c = shape_.n_embd;
  const bool keep = pass.train != nullptr;
  BlockState& s = pass.state(block);
  at::Tensor stream, added;  // the first norm makes their sum
  if (block > 0) {
    BlockState& before = pass.state(block - 1);
    stream = before.norm_2.x;
    added = before.mlp;
    if (!keep) s = std::move(before);  // without a backward all blocks share their memory
  }
  take(s.h1, {n, c}, t);
  take(s.norm_1, n, keep);
  if (block == 0) {
    ops::embed(pass.tokens, {pass.rows, pass.dropout(DropoutSite::embedding())},
               pass.weights.master[wte_], pass.weights.master[wpe_], s.norm_1.x);
    stream = s.norm_1.x;  // nothing to add
  }
  ops::residual_norm(stream, added, {pass.rows, pass.dropout(DropoutSite::mlp_output(block - 1))},
                     layers.ln_1.of(pass.weights), s.norm_1, s.h1);
  take(s.qkv, {n, 3 * c}, t);
  layers.c_attn.forward(pass.weights, s.h1, s.qkv);
  take(s.y, {n, c}, t);
  attend(pass, block);
}

/// y from qkv; keys and values go to the cache where there is one.
void Gpt2Model::attend(Pass& pass, int64_t block) {
  BlockState& s = pass.state(block);
  if (pass.cache != nullptr) {
    const at::Tensor& layer = pass.cache->layers[static_cast<size_t>(block)];
    if (pass.segments == nullptr)
      return ops::cached_attention(pass.cache->rows, shape_.n_head, s.qkv, layer, s.y);
    layer.narrow(0, pass.cache->first_slot, pass.num_rows())
        .copy_(s.qkv.narrow(1, shape_.n_embd, 2 * shape_.n_embd));
  }
  s.attention = ops::attention(*pass.segments, shape_.n_head,
                               pass.dropout(DropoutSite::attention(block)), s.qkv, s.y,
                               /*want_state=*/pass.train != nullptr);
}

/// Behind attention: s.mlp, which the next norm adds to s.norm_2.x.
void Gpt2Model::forward_mlp(Pass& pass, int64_t block) {
  const Block& layers = blocks_[static_cast<size_t>(block)];
  const at::ScalarType t = pass.weights.type();
  const int64_t c = shape_.n_embd;
  BlockState& s = pass.state(block);
  at::Tensor x = s.norm_1.x;
  s.rows_y = s.y;
  if (pass.selects_rows(block)) {
    s.rows_y = workspace_.take({pass.num_targets(), c}, t);
    at::index_select_out(s.rows_y, s.y, 0, *pass.target_rows);
    at::Tensor chosen = workspace_.take({pass.num_targets(), c}, at::kFloat);
    x = at::index_select_out(chosen, x, 0, *pass.target_rows);
  }
  const int64_t r = x.size(0);
  take(s.mlp, {r, c}, t);  // holds what attention adds first, then what the MLP adds
  layers.attn_proj.forward(pass.weights, s.rows_y, s.mlp);
  take(s.h2, {r, c}, t);
  take(s.norm_2, r, pass.train != nullptr);
  ops::residual_norm(x, s.mlp,
                     {pass.rows_behind(block), pass.dropout(DropoutSite::attention_output(block))},
                     layers.ln_2.of(pass.weights), s.norm_2, s.h2);
  take(s.fc, {r, 4 * c}, t);
  take(s.gelu, {r, 4 * c}, t);
  layers.c_fc.forward_gelu(pass.weights, s.h2, shape_.gelu_tanh, s.fc, s.gelu);
  layers.mlp_proj.forward(pass.weights, s.gelu, s.mlp);
}

/// Final hidden rows [M, C] in T.
at::Tensor Gpt2Model::forward(Pass& pass) {
  if (pass.train != nullptr) pass.target_ids = pass.rows.select(*pass.target_rows);
  pass.blocks.resize(blocks_.size());
  for (int64_t block = 0; block < shape_.n_layer; ++block) {
    forward_attention(pass, block);
    forward_mlp(pass, block);
  }
  const BlockState& last = pass.blocks.back();
  const int64_t m = pass.num_targets();
  take(pass.final_norm, m, pass.train != nullptr);
  const at::Tensor h = workspace_.take({m, shape_.n_embd}, pass.weights.type());
  ops::residual_norm(last.norm_2.x, last.mlp,
                     {pass.target_ids, pass.dropout(DropoutSite::mlp_output(shape_.n_layer - 1))},
                     ln_f_.of(pass.weights), pass.final_norm, h);
  return h;
}

/// Head and loss in pieces of rows, so that logits of all of them never exist at once; grad_h
/// undefined: loss alone.
at::Tensor Gpt2Model::head_loss(Pass& pass, const at::Tensor& h, const at::Tensor& grad_h) {
  const ProfileScope scope(Part::kHead);
  const at::Tensor& wte = pass.weights.compute[wte_];
  at::Tensor loss = at::zeros({}, at::TensorOptions(device_).dtype(at::kDouble));
  const bool on_cpu = ops::route_of(h) == ops::Route::kCpu;
  const int64_t piece = head_rows(/*in_place=*/!on_cpu, h.element_size());
  const int64_t stride = on_cpu ? shape_.vocab_size : padded_vocabulary(shape_.vocab_size);
  for (int64_t begin = 0; begin < h.size(0); begin += piece) {
    const Workspace::Mark mark(workspace_);
    const int64_t rows = std::min(piece, h.size(0) - begin);
    const at::Tensor logits =
        workspace_.take({rows, stride}, h.scalar_type()).narrow(1, 0, shape_.vocab_size);
    ops::linear(h.narrow(0, begin, rows), wte, {}, logits);
    loss.add_(ops::cross_entropy(logits, pass.targets->narrow(0, begin, rows),
                                 grad_h.defined() ? pass.train->scale : 0.0));
    if (grad_h.defined())
      ops::linear_backward(logits, h.narrow(0, begin, rows), wte, (*pass.gradients)[wte_],
                           grad_h.narrow(0, begin, rows));
  }
  return loss;
}

at::Tensor Gpt2Model::head_logits(const Pass& pass, const at::Tensor& h) const {
  const at::Tensor out = at::empty({h.size(0), shape_.vocab_size}, h.options());
  multiply(pass.weights, wte_, h, {}, out);
  return out.to(at::kFloat);
}

at::Tensor Gpt2Model::train(const RaggedBatch& batch, const Weights& weights,
                            const Gradients& gradients, const TrainPass& train) {
  const Workspace::Mark mark(workspace_);
  Pass pass(weights, batch);
  pass.train = &train;
  pass.gradients = &gradients;
  const at::Tensor h = forward(pass);
  const at::Tensor grad_h = workspace_.take({h.size(0), shape_.n_embd}, h.scalar_type());
  const at::Tensor loss = head_loss(pass, h, grad_h);
  backward(pass, grad_h);
  return loss;
}

at::Tensor Gpt2Model::loss(const RaggedBatch& batch, const Weights& weights) {
  const Workspace::Mark mark(workspace_);
  Pass pass(weights, batch);
  return head_loss(pass, forward(pass), {});
}

at::Tensor Gpt2Model::logits(const RaggedBatch& batch, const Weights& weights,
                             const CachePass* cache) {
  const Workspace::Mark mark(workspace_);
  Pass pass(weights, batch);
  pass.cache = cache;
  return head_logits(pass, forward(pass));
}

at::Tensor Gpt2Model::next_logits(const NextTokens& next, const Weights& weights,
                                  const CachePass& cache) {
  const Workspace::Mark mark(workspace_);
  Pass pass(weights, next);
  pass.cache = &cache;
  return head_logits(pass, forward(pass));
}

}  // namespace precis
