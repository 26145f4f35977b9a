// The activation of GPT-2's MLP, on the CPU over raw memory. T is float, c10::BFloat16 or
// c10::Half. Results do not depend on the number of threads.
#pragma once

#include <cstdint>

namespace precis::cpu {

/// out[i] = gelu(x[i]) for i < n. `tanh`: OpenAI's approximation, else exact.
template <typename T>
void gelu(int64_t n, const T* x, bool tanh, T* out);

/// What gelu's backward reads and writes; arrays are [rows, c].
template <typename T>
struct GeluBackward {
  const T *grad_y, *x;
  T* grad_x;    ///< may be grad_y
  float* sums;  ///< [c]: the column sums of grad_x are added; null: not wanted
};
template <typename T>
void gelu_backward(int64_t rows, int64_t c, bool tanh, const GeluBackward<T>& a);

}  // namespace precis::cpu
