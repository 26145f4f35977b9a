#include "lib/ops/cross_entropy_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/ops/vector_math.h"

namespace precis::cpu {

template <typename T>
double cross_entropy(int64_t r, int64_t v, T* logits, const int64_t* targets, float scale) {
  std::vector<double> losses(static_cast<size_t>(r));
  at::parallel_for(0, r, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      T* row = logits + i * v;
      if (targets[i] < 0) {  // counts nothing
        if (scale != 0) std::fill(row, row + v, narrow<T>(0.0F));
        continue;
      }
      const float top = row_max(row, v);
      double total = 0;
      constexpr int64_t kPiece = 4096;  // float sums of bounded length, added in double
      for (int64_t begin = 0; begin < v; begin += kPiece) {
        float part = 0;
        const int64_t end = std::min(v, begin + kPiece);
        for (int64_t k = begin; k < end; ++k) part += exp_fast(widen(row[k]) - top);
        total += part;
      }
      losses[static_cast<size_t>(i)] = std::log(total) + top - widen(row[targets[i]]);
      if (scale == 0) continue;
      const auto factor = static_cast<float>(scale / total);
      const float wanted = widen(row[targets[i]]);
      for (int64_t k = 0; k < v; ++k) row[k] = narrow<T>(exp_fast(widen(row[k]) - top) * factor);
      row[targets[i]] = narrow<T>(exp_fast(wanted - top) * factor - scale);
    }
  });
  double sum = 0;
  for (const double loss : losses) sum += loss;
  return sum;
}

#define PRECIS_INSTANTIATE(T) \
  template double cross_entropy<T>(int64_t, int64_t, T*, const int64_t*, float);
PRECIS_INSTANTIATE(float)
PRECIS_INSTANTIATE(c10::BFloat16)
PRECIS_INSTANTIATE(c10::Half)
#undef PRECIS_INSTANTIATE

}  // namespace precis::cpu
