// The layers that models are made of: they know which parameters are theirs, and hold none.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <optional>
#include <string>

#include "lib/model/parameter_table.h"
#include "lib/model/weights.h"
#include "lib/ops/norm.h"

namespace precis {

/// y = x @ weight^T + bias (may be undefined) over the parameter with this index: by its packed
/// form where there is one and x has few rows, or there is no other.
void multiply(const Weights& weights, size_t weight, const at::Tensor& x, const at::Tensor& bias,
              const at::Tensor& y);

/// A linear layer, y = x @ weight^T + bias, over the parameters NAME.weight (out, in) and, where
/// the table has it, NAME.bias (out). Shapes: R rows; x [R, in], y [R, out], in the compute dtype.
class Linear {
 public:
  Linear(const ParameterTable& table, const std::string& name);

  void forward(const Weights& weights, const at::Tensor& x, const at::Tensor& y) const;
  /// Adds to the weight's gradient, where it is trained; grad_x is written unless undefined. The
  /// bias' gradient is for the operation that makes grad_y: bias_gradient(gradients).
  void backward(const Weights& weights, const Gradients& gradients, const at::Tensor& grad_y,
                const at::Tensor& x, const at::Tensor& grad_x) const;
  /// forward into `pre` [R, out], and its GELU into y.
  void forward_gelu(const Weights& weights, const at::Tensor& x, bool tanh, const at::Tensor& pre,
                    const at::Tensor& y) const;
  /// backward's grad_x, where x was the GELU of `pre` [R, in]: written to grad_pre, its column
  /// sums added to grad_pre_sums unless undefined. The weight's gradient is backward's.
  void backward_gelu(const Weights& weights, const at::Tensor& grad_y, const at::Tensor& pre,
                     bool tanh, const at::Tensor& grad_pre, const at::Tensor& grad_pre_sums) const;
  /// The gradient of the bias; undefined where there is none, or it is frozen.
  at::Tensor bias_gradient(const Gradients& gradients) const {
    return bias_ ? gradients[*bias_] : at::Tensor();
  }

 private:
  at::Tensor bias_of(const Weights& weights) const {
    return bias_ ? weights.compute[*bias_] : at::Tensor();
  }

  size_t weight_;
  std::optional<size_t> bias_;
};

/// A layer norm over NAME.weight and, where the table has it, NAME.bias: what ops::residual_norm
/// takes.
class LayerNorm {
 public:
  LayerNorm(const ParameterTable& table, const std::string& name, double epsilon);

  ops::Norm of(const Weights& weights) const { return of(weights.master); }
  ops::Norm of(const Gradients& tensors) const {
    return {tensors[weight_], bias_ ? tensors[*bias_] : at::Tensor(), epsilon_};
  }

 private:
  size_t weight_;
  std::optional<size_t> bias_;
  double epsilon_;
};

}  // namespace precis
