#include "lib/ops/cross_entropy_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "lib/ops/vector_math.h"

namespace precis::cpu {
namespace {

/// Of value(k) for k in [0, v): float sums of bounded length, added in double.
template <typename Value>
double sum_in_pieces(int64_t v, const Value& value) {
  constexpr int64_t kPiece = 4096;
  double total = 0;
  for (int64_t begin = 0; begin < v; begin += kPiece) {
    float part = 0;
    const int64_t end = std::min(v, begin + kPiece);
    for (int64_t k = begin; k < end; ++k) part += value(k);
    total += part;
  }
  return total;
}

/// A row in float32 that may be overwritten: itself where it is that, else a copy in `room`.
template <typename T>
float* wide_row(T* row, int64_t v, std::vector<float>& room) {
  if constexpr (std::is_same_v<T, float>) {
    return row;
  } else {
    room.resize(static_cast<size_t>(v));
    for (int64_t k = 0; k < v; ++k) room[static_cast<size_t>(k)] = widen(row[k]);
    return room.data();
  }
}

}  // namespace

template <typename T>
double cross_entropy(int64_t r, int64_t v, T* logits, const int64_t* targets, float scale) {
  std::vector<double> losses(static_cast<size_t>(r));
  at::parallel_for(0, r, 1, [&](int64_t from, int64_t to) {
    std::vector<float> room;
    for (int64_t i = from; i < to; ++i) {
      T* row = logits + i * v;
      if (targets[i] < 0) {  // counts nothing
        if (scale != 0) std::fill(row, row + v, narrow<T>(0.0F));
        continue;
      }
      const float top = row_max(row, v);
      const float wanted = widen(row[targets[i]]);
      double total;
      if (scale == 0) {
        total = sum_in_pieces(v, [&](int64_t k) { return exp_fast(widen(row[k]) - top); });
      } else {  // each exponential once: they become the gradient
        float* x = wide_row(row, v, room);
        total = sum_in_pieces(v, [&](int64_t k) { return x[k] = exp_fast(x[k] - top); });
        const auto factor = static_cast<float>(scale / total);
        const float of_target = x[targets[i]] * factor - scale;
        for (int64_t k = 0; k < v; ++k) row[k] = narrow<T>(x[k] * factor);
        row[targets[i]] = narrow<T>(of_target);
      }
      losses[static_cast<size_t>(i)] = std::log(total) + top - wanted;
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
