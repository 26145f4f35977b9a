#include "lib/model/linear.h"

#include "lib/ops/linear.h"

namespace precis {
namespace {

std::optional<size_t> bias_of(const ParameterTable& table, const std::string& name) {
  const std::string bias = name + ".bias";
  return table.has(bias) ? std::optional(table.index(bias)) : std::nullopt;
}

/// From here on oneDNN and MKL reach the same rate on weights as they are.
constexpr int64_t kFewRows = 64;

}  // namespace

void multiply(const Weights& weights, size_t weight, const at::Tensor& x, const at::Tensor& bias,
              const at::Tensor& y) {
  if (!weights.packed.empty()) {
    const ops::PackedWeight& packed = weights.packed[weight];
    if (packed.defined() && (x.size(0) <= kFewRows || packed.scales.defined()))
      return ops::packed_linear(x, packed, bias, y);
  }
  ops::linear(x, weights.compute[weight], bias, y);
}

Linear::Linear(const ParameterTable& table, const std::string& name)
    : weight_(table.index(name + ".weight")), bias_(bias_of(table, name)) {}

void Linear::forward(const Weights& weights, const at::Tensor& x, const at::Tensor& y) const {
  multiply(weights, weight_, x, bias_ ? weights.compute[*bias_] : at::Tensor(), y);
}

void Linear::backward(const Weights& weights, const Gradients& gradients, const at::Tensor& grad_y,
                      const at::Tensor& x, const at::Tensor& grad_x) const {
  ops::linear_backward(grad_y, x, weights.compute[weight_], gradients[weight_], grad_x);
}

LayerNorm::LayerNorm(const ParameterTable& table, const std::string& name, double epsilon)
    : weight_(table.index(name + ".weight")), bias_(bias_of(table, name)), epsilon_(epsilon) {}

}  // namespace precis
