// Where each parameter of a GPT-2 lies in one flat buffer.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "lib/model/gpt2/gpt2_shape.h"

namespace precis {

/// nanoGPT's names of the tied matrix: as the embedding, which is the parameter, and as the head,
/// which files hold once more.
inline constexpr const char* kEmbeddingName = "transformer.wte.weight";
inline constexpr const char* kHeadName = "lm_head.weight";

/// One parameter's place: elements [offset, offset + numel) of the flat buffer.
struct ParameterSlot {
  std::string name;  ///< nanoGPT's, as `transformer.h.0.attn.c_attn.weight`
  std::vector<int64_t> shape;
  int64_t offset = 0;
  int64_t numel = 0;
  bool is_matrix() const { return shape.size() >= 2; }  ///< gets weight decay
};

/// Views of one block's parameters; biases are undefined tensors in a model without them.
struct BlockTensors {
  at::Tensor ln_1_weight, ln_1_bias;  // (C)
  at::Tensor attn_weight, attn_bias;  // (3C, C), (3C)
  at::Tensor proj_weight, proj_bias;  // (C, C), (C)
  at::Tensor ln_2_weight, ln_2_bias;  // (C)
  at::Tensor fc_weight, fc_bias;      // (4C, C), (4C)
  at::Tensor mlp_weight, mlp_bias;    // (C, 4C), (C)
};

/// Views of all parameters in one flat buffer: weights, their low-precision copy, or gradients.
struct GptTensors {
  at::Tensor wte, wpe;  // (V, C), (block_size, C)
  std::vector<BlockTensors> blocks;
  at::Tensor ln_f_weight, ln_f_bias;  // (C)
};

/// The order of the flat buffer is that of backward: final norm, last block to first (in each,
/// matrices before vectors), positions, and the tied matrix, which is complete last. A prefix of
/// the gradients is final at any time.
class ParameterLayout {
 public:
  explicit ParameterLayout(const GptShape& shape);

  const GptShape& shape() const { return shape_; }
  int64_t numel() const { return numel_; }
  /// In flat order.
  const std::vector<ParameterSlot>& slots() const { return slots_; }
  /// Indices into slots() in the order of nanoGPT's named_parameters().
  const std::vector<size_t>& named_order() const { return named_order_; }
  /// Flat element count that is final once the final norm (0), the first k blocks from the end (k),
  /// or all (n_layer + 1) have gone through backward.
  int64_t final_after(int64_t stage) const { return stage_ends_.at(static_cast<size_t>(stage)); }
  /// Views of a flat buffer [numel()] of any dtype.
  GptTensors view(const at::Tensor& flat) const;
  at::Tensor view(const at::Tensor& flat, const ParameterSlot& slot) const;

 private:
  void add(const std::string& name, std::vector<int64_t> shape);

  GptShape shape_;
  int64_t numel_ = 0;
  std::vector<ParameterSlot> slots_;
  std::vector<size_t> named_order_;
  std::vector<int64_t> stage_ends_;
};

/// nanoGPT's initialisation: normal 0.02, residual projections 0.02 / sqrt(2 n_layer), biases 0,
/// norms 1; a pure function of the seed. float32 [numel].
at::Tensor initial_parameters(const ParameterLayout& layout, uint64_t seed);

}  // namespace precis
