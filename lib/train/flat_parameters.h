// Parameters and gradients as one flat buffer each: one collective a bucket, one norm, one
// optimizer call, one cast.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/comm/collectives.h"
#include "lib/model/parameter_table.h"
#include "lib/model/weights.h"

namespace precis {

class FlatParameters {
 public:
  /// `initial`: float32 [numel] on the CPU, copied. The gradient lies where `collectives` sums
  /// fastest; it must outlive this.
  FlatParameters(const ParameterTable& table, const at::Tensor& initial, at::ScalarType compute,
                 at::Device device, Collectives& collectives);

  const ParameterTable& table() const { return table_; }
  at::Tensor& master() { return master_; }      ///< float32 [numel]
  at::Tensor& gradient() { return gradient_; }  ///< float32 [trainable_numel]
  const Weights& weights() const { return weights_; }
  const Gradients& gradients() const { return gradients_; }

  /// Renews the compute copy after the master changed.
  void refresh();
  /// Order-independent digest of the float32 bits of all parameters.
  uint64_t digest() const;

 private:
  ParameterTable table_;
  at::Tensor master_, compute_, gradient_;
  Weights weights_;
  Gradients gradients_;
};

}  // namespace precis
