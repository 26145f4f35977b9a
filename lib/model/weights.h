// A model's parameters as it reads them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lib/model/parameter_table.h"

namespace precis {

/// Views of a flat buffer by index in its ParameterTable, in float32 and once more in the dtype of
/// products (the same tensors where that is float32). Copies share the buffers.
struct Weights {
  std::vector<at::Tensor> master;   ///< float32
  std::vector<at::Tensor> compute;  ///< in the compute dtype

  at::ScalarType type() const { return compute.front().scalar_type(); }
};

/// `flat`: float32 [numel], used; a copy in the compute dtype is made of it where that is another.
Weights make_weights(const ParameterTable& table, const at::Tensor& flat, at::ScalarType compute);

}  // namespace precis
