// GPT-2 on ragged batches: forward and backward written out over the operations of lib/ops. Follows
// nanoGPT's model.py (pre-norm blocks, tied head, learned positions) and Hugging Face's
// modeling_gpt2.py for the tanh GELU. Differs in that nothing is padded, and in that the part of
// the last block behind attention, the final norm, the head and the loss run on target rows alone.
// Shapes: N tokens, M target rows, C = n_embd, V vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

#include "lib/model/gpt2/gpt2_shape.h"
#include "lib/model/language_model.h"
#include "lib/model/linear.h"
#include "lib/tensor/workspace.h"

namespace precis {

class Gpt2Model : public LanguageModel {
 public:
  Gpt2Model(const Gpt2Shape& shape, const ParameterTable& table, at::Device device);

  at::Tensor train(const RaggedBatch& batch, const Weights& weights, const Gradients& gradients,
                   const TrainPass& pass) override;
  at::Tensor loss(const RaggedBatch& batch, const Weights& weights) override;
  at::Tensor logits(const RaggedBatch& batch, const Weights& weights,
                    const CachePass* cache) override;
  at::Tensor next_logits(const NextTokens& next, const Weights& weights,
                         const CachePass& cache) override;
  /// A token's keys and values, one after the other, of each block.
  CacheShape cache_shape() const override { return {shape_.n_layer, 2 * shape_.n_embd}; }

  at::Device device() const override { return device_; }
  int64_t settle_scratch() override { return workspace_.settle(); }
  int64_t peak_scratch_bytes() const override { return workspace_.peak_bytes(); }

 private:
  /// The layers of a block, which know their parameters.
  struct Block {
    Block(const ParameterTable& table, const std::string& name, double epsilon);
    LayerNorm ln_1;
    Linear c_attn, attn_proj;
    LayerNorm ln_2;
    Linear c_fc, mlp_proj;
  };
  struct BlockState;
  struct Pass;

  at::Tensor forward(Pass& pass);
  void forward_attention(Pass& pass, int64_t block);
  void attend(Pass& pass, int64_t block);
  void forward_mlp(Pass& pass, int64_t block);
  at::Tensor head_loss(Pass& pass, const at::Tensor& h, const at::Tensor& grad_h);
  at::Tensor head_logits(const Pass& pass, const at::Tensor& h) const;
  void backward(Pass& pass, const at::Tensor& grad_h);
  at::Tensor mlp_bias(const Pass& pass, int64_t block) const;
  void backward_mlp(Pass& pass, int64_t block);
  void backward_attention(Pass& pass, int64_t block);
  void take(at::Tensor& tensor, at::IntArrayRef sizes, at::ScalarType type);
  void take(ops::NormState& state, int64_t rows, bool keep);

  const Gpt2Shape shape_;
  const ParameterTable table_;
  at::Device device_;
  size_t wte_, wpe_;
  LayerNorm ln_f_;
  std::vector<Block> blocks_;
  Workspace workspace_;
};

}  // namespace precis
