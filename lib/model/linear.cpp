#include "lib/model/linear.h"

#include "lib/ops/linear.h"

namespace precis {
namespace {

std::optional<size_t> bias_of(const ParameterTable& table, const std::string& name) {
  const std::string bias = name + ".bias";
  return table.has(bias) ? std::optional(table.index(bias)) : std::nullopt;
}

}  // namespace

Linear::Linear(const ParameterTable& table, const std::string& name)
    : weight_(table.index(name + ".weight")), bias_(bias_of(table, name)) {}

void Linear::forward(const Weights& weights, const at::Tensor& x, const at::Tensor& y) const {
  ops::linear(x, weights.compute[weight_], bias_ ? weights.compute[*bias_] : at::Tensor(), y);
}

void Linear::backward(const Weights& weights, const Gradients& gradients, const at::Tensor& grad_y,
                      const at::Tensor& x, const at::Tensor& grad_x) const {
  ops::linear_backward(grad_y, x, weights.compute[weight_], gradients[weight_], grad_x);
}

LayerNorm::LayerNorm(const ParameterTable& table, const std::string& name, double epsilon)
    : weight_(table.index(name + ".weight")), bias_(bias_of(table, name)), epsilon_(epsilon) {}

}  // namespace precis
