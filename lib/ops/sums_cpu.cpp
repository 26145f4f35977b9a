#include "lib/ops/sums_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "lib/ops/vector_math.h"

namespace precis::cpu {
namespace {

constexpr int64_t kColumns = 128;  // columns a thread takes at a time where threads share columns

}  // namespace

template <typename T>
void add_column_sums(int64_t n, int64_t c, const T* a, float* sums) {
  at::parallel_for(0, c, kColumns, [&](int64_t from, int64_t to) {
    for (int64_t i = 0; i < n; ++i) {
      const T* row = a + i * c;
      for (int64_t k = from; k < to; ++k) sums[k] += widen(row[k]);
    }
  });
}

double sum_of_squares(int64_t n, const float* a) {
  constexpr int64_t kPiece = 1 << 15;
  const int64_t pieces = (n + kPiece - 1) / kPiece;
  std::vector<double> parts(static_cast<size_t>(pieces));
  at::parallel_for(0, pieces, 4, [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p) {
      double part = 0;
      for (int64_t begin = p * kPiece, end = std::min(n, begin + kPiece); begin < end;
           begin += 256) {
        float block = 0;
        const int64_t stop = std::min(end, begin + 256);
        for (int64_t k = begin; k < stop; ++k) block += a[k] * a[k];
        part += block;
      }
      parts[static_cast<size_t>(p)] = part;
    }
  });
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

#define PRECIS_INSTANTIATE(T) template void add_column_sums<T>(int64_t, int64_t, const T*, float*);
PRECIS_INSTANTIATE(float)
PRECIS_INSTANTIATE(c10::BFloat16)
PRECIS_INSTANTIATE(c10::Half)
#undef PRECIS_INSTANTIATE

}  // namespace precis::cpu
