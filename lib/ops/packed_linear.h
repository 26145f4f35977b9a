// Linear layers for decoding on the CPU, where a step has few rows and all that it takes is reading
// the weights: they lie in the order in which they are read, and in 8 bits where that is asked for.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace precis::ops {

/// A weight [out, in] in panels of 16 outputs (see packed_product.h); undefined: none.
struct PackedWeight {
  at::Tensor panels;  ///< float32, bfloat16 or int8
  at::Tensor
      scales;  ///< [out] float32 for int8: what the integers are multiples of; else undefined
  int64_t out = 0, in = 0;

  bool defined() const { return panels.defined(); }
};

/// weight [out, in]: float32 or bfloat16, of the CPU; a copy, made by all threads.
PackedWeight pack_weight(const at::Tensor& weight);
/// weight [out, in] float32, each output rounded to 127 steps either side of 0, as of the largest
/// of its weights.
PackedWeight pack_as_int8(const at::Tensor& weight);

/// Bytes of a weight [out, in] that is packed: of its panels in this type and, for int8, its
/// scales.
int64_t packed_bytes(int64_t out, int64_t in, at::ScalarType type);

/// Whether a product of so many rows is faster packed than as LibTorch's libraries do it, on this
/// CPU: with AVX2 always (measured on Zen 3: 152 GFLOP/s at 3200 rows, MKL 143), with AVX-512 for
/// few.
bool packed_is_faster(int64_t rows);

/// out = x @ weight^T + bias (may be undefined); x [R, in] and out [R, out], both float32 or both
/// bfloat16; sums in float32. A row's result does not depend on the rows beside it; from how many
/// rows on the CPU's tiles are used (split_product.h) shows in its last bits.
void packed_linear(const at::Tensor& x, const PackedWeight& weight, const at::Tensor& bias,
                   const at::Tensor& out);

}  // namespace precis::ops
