// A model's parameters as it reads them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lib/model/parameter_table.h"
#include "lib/ops/packed_linear.h"

namespace precis {

/// Views of a flat buffer by index in its ParameterTable, in float32 and once more in the dtype of
/// products (the same tensors where that is float32). Copies share the buffers.
struct Weights {
  std::vector<at::Tensor> master;   ///< float32
  std::vector<at::Tensor> compute;  ///< in the compute dtype
  /// For decoding on the CPU, else empty: the matrices of `compute` once more, as products of few
  /// rows read them. Where they are int8, no product reads the others.
  std::vector<ops::PackedWeight> packed;

  at::ScalarType type() const { return compute.front().scalar_type(); }
};

/// `flat`: float32 [numel], used; a copy in the compute dtype is made of it where that is another.
Weights make_weights(const ParameterTable& table, const at::Tensor& flat, at::ScalarType compute);

/// How weights lie in memory while decoding.
enum class WeightForm { kDense, kInt8 };

/// The same weights with `packed`, made from their present values; of a GPU: as they are.
Weights with_packed(const Weights& weights, WeightForm form);

/// Bytes that with_packed adds to weights of this dtype on a CPU.
int64_t packed_bytes(const ParameterTable& table, at::ScalarType compute, WeightForm form);

}  // namespace precis
