#include "lib/model/linear.h"

#include "lib/ops/gelu.h"
#include "lib/ops/linear.h"

namespace precis {
namespace {

std::optional<size_t> bias_index(const ParameterTable& table, const std::string& name) {
  const std::string bias = name + ".bias";
  return table.has(bias) ? std::optional(table.index(bias)) : std::nullopt;
}

/// The packed form of a weight where a product of so many rows takes it; else null.
const ops::PackedWeight* packed_for(const Weights& weights, size_t weight, int64_t rows) {
  if (weights.packed.empty() || !weights.packed[weight].defined()) return nullptr;
  const ops::PackedWeight& packed = weights.packed[weight];
  return packed.scales.defined() || ops::packed_is_faster(rows) ? &packed : nullptr;
}

}  // namespace

void multiply(const Weights& weights, size_t weight, const at::Tensor& x, const at::Tensor& bias,
              const at::Tensor& y) {
  if (const ops::PackedWeight* packed = packed_for(weights, weight, x.size(0)))
    return ops::packed_linear(x, *packed, bias, y);
  ops::linear(x, weights.compute[weight], bias, y);
}

Linear::Linear(const ParameterTable& table, const std::string& name)
    : weight_(table.index(name + ".weight")), bias_(bias_index(table, name)) {}

void Linear::forward(const Weights& weights, const at::Tensor& x, const at::Tensor& y) const {
  multiply(weights, weight_, x, bias_of(weights), y);
}

void Linear::forward_gelu(const Weights& weights, const at::Tensor& x, bool tanh,
                          const at::Tensor& pre, const at::Tensor& y) const {
  if (packed_for(weights, weight_, x.size(0)) == nullptr)
    return ops::linear_gelu(x, weights.compute[weight_], bias_of(weights), tanh, pre, y);
  forward(weights, x, pre);
  ops::gelu(pre, tanh, y);
}

void Linear::backward(const Weights& weights, const Gradients& gradients, const at::Tensor& grad_y,
                      const at::Tensor& x, const at::Tensor& grad_x) const {
  ops::linear_backward(grad_y, x, weights.compute[weight_], gradients[weight_], grad_x);
}

void Linear::backward_gelu(const Weights& weights, const at::Tensor& grad_y, const at::Tensor& pre,
                           bool tanh, const at::Tensor& grad_pre,
                           const at::Tensor& grad_pre_sums) const {
  ops::linear_gelu_backward(grad_y, weights.compute[weight_], pre, tanh, grad_pre, grad_pre_sums);
}

LayerNorm::LayerNorm(const ParameterTable& table, const std::string& name, double epsilon)
    : weight_(table.index(name + ".weight")), bias_(bias_index(table, name)), epsilon_(epsilon) {}

}  // namespace precis
