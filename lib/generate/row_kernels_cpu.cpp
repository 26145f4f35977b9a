#include "lib/generate/row_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

// GCC's vector types are lowered to what the target has; only then by-value passing would differ,
// and all is inlined.
#pragma GCC diagnostic ignored "-Wpsabi"
// exp_of rounds by adding and taking away a large number, which a compiler that may regroup sums
// would drop.
#pragma GCC optimize("no-associative-math")

#include "lib/ops/exponential.h"  // below the pragmas, which its template needs as well

namespace precis {
namespace {

constexpr int64_t kLanes = 8;
constexpr int64_t kBlock = 256;  // values looked at between two decisions
constexpr float kLowest = -std::numeric_limits<float>::infinity();

using Floats = float __attribute__((vector_size(4 * kLanes)));
using Words = uint32_t __attribute__((vector_size(4 * kLanes)));

inline Floats load(const float* from) {
  Floats x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

inline void store(float* to, const Floats& x) {
  std::memcpy(to, &x, sizeof x);
}

inline Floats splat(float x) {
  return Floats{} + x;
}

inline float largest_lane(const Floats& x) {
  float largest = x[0];
  for (int lane = 1; lane < kLanes; ++lane) largest = x[lane] > largest ? x[lane] : largest;
  return largest;
}

inline float sum_lanes(const Floats& x) {
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += x[lane];
  return sum;
}

/// exp(x) for x <= 0, to about an ulp; 0 below -86.
inline Floats exp_of(const Floats& x) {
  const auto in_range = x > -86.0F;
  const Floats clamped = in_range ? x : splat(-86.0F);
  const Floats shifted =
      clamped * 1.44269504F + 12582912.0F;  // 1.5 * 2^23: the low bits are the rounded integer
  const Floats n = shifted - 12582912.0F;
  const Words scaled = (Words)exp_mantissa(clamped, n) + ((Words)shifted << 23);
  return (Floats)(scaled & (Words)in_range);
}

/// Calls body(values, begin, count) for each kBlock of the row; the last block is filled up with
/// `filler`.
template <typename Body>
inline void for_blocks(std::span<const float> row, float filler, const Body& body) {
  const auto size = static_cast<int64_t>(row.size());
  const int64_t whole = size / kBlock * kBlock;
  for (int64_t begin = 0; begin < whole; begin += kBlock) body(row.data() + begin, begin, kBlock);
  if (whole == size) return;
  float tail[kBlock];
  std::fill(std::copy(row.begin() + whole, row.end(), tail), tail + kBlock, filler);
  body(tail, whole, size - whole);
}

/// NaN counts as nothing: it is never the largest, and no candidate.
inline float block_maximum(const float* values) {
  Floats largest[4] = {splat(kLowest), splat(kLowest), splat(kLowest), splat(kLowest)};
  for (int64_t i = 0; i < kBlock; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) {
      const Floats x = load(values + i + j * kLanes);
      largest[j] = x > largest[j] ? x : largest[j];
    }
  }
  const Floats a = largest[0] > largest[1] ? largest[0] : largest[1];
  const Floats b = largest[2] > largest[3] ? largest[2] : largest[3];
  return largest_lane(a > b ? a : b);
}

inline double block_sum(const float* values) {
  Floats sum[2] = {};
  for (int64_t i = 0; i < kBlock; i += 2 * kLanes) {
    sum[0] += load(values + i);
    sum[1] += load(values + i + kLanes);
  }
  return sum_lanes(sum[0] + sum[1]);
}

inline double block_exponential_sum(const float* values, float largest) {
  Floats sum[2] = {};
  for (int64_t i = 0; i < kBlock; i += 2 * kLanes) {
    sum[0] += exp_of(load(values + i) - largest);
    sum[1] += exp_of(load(values + i + kLanes) - largest);
  }
  return sum_lanes(sum[0] + sum[1]);
}

}  // namespace

float maximum(std::span<const float> row) {
  float largest = kLowest;
  for_blocks(row, kLowest, [&](const float* values, int64_t, int64_t) {
    largest = std::max(largest, block_maximum(values));
  });
  return largest;
}

int32_t argmax(std::span<const float> row) {
  float largest = kLowest;
  int64_t place = 0;
  for_blocks(row, kLowest, [&](const float* values, int64_t begin, int64_t) {
    const float here = block_maximum(values);
    if (here > largest) {
      largest = here;
      place = begin;
    }
  });
  while (place + 1 < static_cast<int64_t>(row.size()) && row[place] < largest) ++place;
  return static_cast<int32_t>(place);
}

void log_softmax_in_place(std::span<float> row) {
  const float largest = maximum(row);
  double sum = 0;
  for_blocks(row, kLowest, [&](const float* values, int64_t, int64_t) {
    sum += block_exponential_sum(values, largest);
  });
  const auto log_sum = static_cast<float>(std::log(sum));
  for (float& x : row) x = x - largest - log_sum;
}

double exponentials_in_place(std::span<float> row, float largest, float scale) {
  double sum = 0;
  for_blocks(row, kLowest, [&](const float* values, int64_t begin, int64_t count) {
    float weights[kBlock];
    for (int64_t i = 0; i < kBlock; i += kLanes) {
      store(weights + i, exp_of((load(values + i) - largest) * scale));
    }
    sum += block_sum(weights);
    std::copy(weights, weights + count, row.begin() + begin);
  });
  return sum;
}

void top_candidates(std::span<const float> row, int64_t k, std::vector<Candidate>& best) {
  best.clear();
  const auto wanted = static_cast<size_t>(std::min(k, static_cast<int64_t>(row.size())));
  if (wanted == 0) return;
  std::vector<float> maxima;
  for_blocks(row, kLowest, [&](const float* values, int64_t, int64_t) {
    maxima.push_back(block_maximum(values));
  });
  // The k best are at least the k-th largest of the blocks' maxima: most blocks need no second
  // look.
  float threshold = kLowest;
  if (wanted <= maxima.size()) {
    std::vector<float> ordered = maxima;
    const auto kth = ordered.begin() + static_cast<std::ptrdiff_t>(wanted - 1);
    std::nth_element(ordered.begin(), kth, ordered.end(), std::greater<>());
    threshold = *kth;
  }
  // A heap whose front is the worst of the best so far.
  for_blocks(row, kLowest, [&](const float* values, int64_t begin, int64_t count) {
    if (maxima[static_cast<size_t>(begin / kBlock)] < threshold) return;
    for (int64_t i = 0; i < count; ++i) {
      if (!(values[i] >= threshold)) continue;
      if (best.size() == wanted) {
        if (!(values[i] > best.front().score)) continue;
        std::pop_heap(best.begin(), best.end(), better);
        best.pop_back();
      }
      best.push_back({values[i], static_cast<int32_t>(begin + i)});
      std::push_heap(best.begin(), best.end(), better);
      if (best.size() == wanted) threshold = best.front().score;
    }
  });
  std::sort_heap(best.begin(), best.end(), better);
}

void collect_at_least(std::span<const float> row, float threshold, std::vector<Candidate>& kept) {
  kept.clear();
  for_blocks(row, kLowest, [&](const float* values, int64_t begin, int64_t count) {
    if (!(block_maximum(values) >= threshold)) return;
    for (int64_t i = 0; i < count; ++i) {
      if (values[i] >= threshold) kept.push_back({values[i], static_cast<int32_t>(begin + i)});
    }
  });
}

int32_t pick(std::span<const float> weights, double target) {
  double before = 0;
  int64_t place = -1;  // where the block begins in which the sum exceeds the target
  int64_t last = 0;    // the last token with a weight, should rounding let none exceed it
  for_blocks(weights, 0.0F, [&](const float* values, int64_t begin, int64_t count) {
    if (place >= 0) return;
    const double sum = block_sum(values);
    if (before + sum > target) {
      place = begin;
      return;
    }
    before += sum;
    for (int64_t i = count - 1; sum > 0 && i >= 0; --i) {
      if (values[i] > 0) {
        last = begin + i;
        break;
      }
    }
  });
  if (place < 0) return static_cast<int32_t>(last);
  const int64_t end = std::min(place + kBlock, static_cast<int64_t>(weights.size()));
  for (int64_t i = place; i < end; ++i) {
    if (!(weights[i] > 0)) continue;
    last = i;
    before += weights[i];
    if (before > target) break;
  }
  return static_cast<int32_t>(last);
}

}  // namespace precis
