// GPT-2 on ragged batches: forward and backward written out over the operations of ops.h. Follows
// nanoGPT's model.py (pre-norm blocks, tied head, learned positions) and Hugging Face's
// modeling_gpt2.py for the tanh GELU. Differs in that nothing is padded, and in that the part of
// the last block behind attention, the final norm, the head and the loss run on target rows alone.
// Shapes: N tokens, M target rows, C = n_embd, V vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "lib/model/ops.h"
#include "lib/model/parameters.h"
#include "lib/model/ragged_batch.h"
#include "lib/tensor/workspace.h"

namespace precis {

/// The weights as the model reads them: float32, and the matrices and their biases once more in the
/// compute dtype (the same tensors when that is float32).
struct GptWeights {
  GptTensors master;
  GptTensors compute;
  at::ScalarType type() const { return compute.wte.scalar_type(); }
};

/// How one micro-batch is run in training.
struct TrainPass {
  double dropout = 0;
  double scale = 1;  ///< of the gradient: 1 / targets in the whole step, times the loss scale
  /// Called when the gradients of the first `count` elements of the flat order are final for this
  /// micro-batch.
  std::function<void(int64_t count)> gradients_final;
};

/// Attention of a block by other means: y [N, C] from qkv [N, 3C].
using Attend = std::function<void(int64_t block, const at::Tensor& qkv, const at::Tensor& y)>;

/// Runs a GPT-2; owns scratch memory and no weights. Not thread-safe.
class Gpt {
 public:
  Gpt(const ParameterLayout& layout, at::Device device);

  /// Sum of nats over the batch's targets (a float64 scalar on the device); adds scale times its
  /// gradient to `gradients`.
  at::Tensor train(const RaggedBatch& batch, const GptWeights& weights, const GptTensors& gradients,
                   const TrainPass& pass);
  /// The same sum without gradients or dropout.
  at::Tensor loss(const RaggedBatch& batch, const GptWeights& weights);
  /// Logits [M, V] float32 at the target rows. `attend` stands for attention within the batch,
  /// where keys and values come from a cache or go there.
  at::Tensor logits(const RaggedBatch& batch, const GptWeights& weights, const Attend& attend = {});

  const GptShape& shape() const { return layout_.shape(); }
  const ParameterLayout& layout() const { return layout_; }
  at::Device device() const { return device_; }
  /// The most bytes of scratch memory that were in use at a time.
  int64_t peak_scratch_bytes() const { return workspace_.peak_bytes(); }

 private:
  struct BlockState;
  struct Pass;

  void forward_block(Pass& pass, int64_t block);
  void backward_block(Pass& pass, int64_t block);
  at::Tensor forward(Pass& pass);
  at::Tensor head_loss(Pass& pass, const at::Tensor& h, const at::Tensor& grad_h);
  ops::Norm norm(const at::Tensor& weight, const at::Tensor& bias) const {
    return {weight, bias, shape().layer_norm_epsilon};
  }

  const ParameterLayout layout_;
  at::Device device_;
  Workspace workspace_;
};

}  // namespace precis
