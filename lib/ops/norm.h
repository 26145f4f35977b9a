// Residual sum with dropout, then layer norm: what stands before each part of a block. Shapes: N
// rows, C channels; T is the compute dtype (y, h, grad_h, grad_y), all else is float32. Source: Ba
// et al., Layer Normalization, 2016; nanoGPT's model.py, Block.forward.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/ops/row_ids.h"

namespace precis::ops {

/// A layer norm's parameters, or their gradients; float32 [C]; the bias may be undefined, and so
/// may gradients that are not wanted.
struct Norm {
  at::Tensor weight, bias;
  double epsilon = 1e-5;
};
/// What a norm's backward needs.
struct NormState {
  at::Tensor x;           ///< [N, C] float32: its input, the residual stream
  at::Tensor mean, rstd;  ///< [N] float32; undefined where no backward follows
};

/// Where a norm's backward leaves what it finds.
struct NormGradients {
  at::Tensor residual;  ///< [N, C] float32: of state.x by what comes after; the norm's is added
  at::Tensor grad_y;    ///< [N, C] T: written; undefined: not wanted
  /// [C] float32: the column sums of grad_y are added, the gradient of a bias that was added to y;
  /// undefined: not wanted.
  at::Tensor grad_y_sums;
  Norm norm;  ///< added to
};

/// state.x = x_in + drop(y); h = norm(state.x). y undefined: state.x must be x_in.
void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowDropout& drop,
                   const Norm& norm, const NormState& state, const at::Tensor& h);
/// residual += gradient of h through the norm; grad_y = drop'(residual).
void residual_norm_backward(const at::Tensor& grad_h, const RowDropout& drop, const Norm& norm,
                            const NormState& state, const NormGradients& gradients);

}  // namespace precis::ops
