// Sums, on the CPU over raw memory. Arrays are row-major; T is float, c10::BFloat16 or
// c10::Half; what sums or flows along the residual stream is float32. Results do not depend on the
// number of threads.
#pragma once

#include <cstdint>

namespace precis::cpu {

/// sums += column sums of a [N, C].
template <typename T>
void add_column_sums(int64_t n, int64_t c, const T* a, float* sums);

/// Sum of squares, in pieces of fixed size: the same for any number of threads.
double sum_of_squares(int64_t n, const float* a);

}  // namespace precis::cpu
