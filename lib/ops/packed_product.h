// A product of few rows with a weight matrix in panels: raw memory, no tensors. Compiled once for
// the instructions that every supported CPU has and once for AVX-512; the same numbers for a row
// whatever rows are beside it, within each.
#pragma once

#include <cstdint>

namespace precis::cpu {

/// Outputs that lie side by side: panel p holds, for each input, those of outputs 16 p .. 16 p
/// + 15.
constexpr int kPanel = 16;

/// y [rows, out] = x [rows, in] @ weight^T * scales + bias; scales and bias [out] may be null.
struct PackedProduct {
  const float* x;
  int64_t rows, in, out;
  const void* panels;   ///< [ceil(out / 16), in, 16] of W
  const float* scales;  ///< of the outputs, for weights that were divided by them
  const float* bias;
  float* y;
};

/// Panels first .. last of the outputs; W: float, uint16_t (the bits of a bfloat16) or int8_t.
template <typename W>
void multiply_panels(const PackedProduct& product, int64_t first, int64_t last);

namespace avx512 {

/// Whether this CPU has the instructions; without them the function below must not be called.
bool is_supported();
template <typename W>
void multiply_panels(const PackedProduct& product, int64_t first, int64_t last);

}  // namespace avx512
}  // namespace precis::cpu
