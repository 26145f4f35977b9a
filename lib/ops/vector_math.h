// Arithmetic in a form that compilers turn into vector code.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "lib/ops/exponential.h"

namespace precis::cpu {

inline float widen(float x) {
  return x;
}
inline float widen(c10::BFloat16 x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x.x) << 16);
}
inline float widen(c10::Half x) {
  return static_cast<float>(x);
}

template <typename T>
T narrow(float x) {
  return static_cast<T>(x);
}
template <>
inline c10::BFloat16 narrow<c10::BFloat16>(
    float x) {  // to nearest even, without a branch; NaN stays NaN
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  return c10::BFloat16(static_cast<uint16_t>(x != x ? 0x7FC0U : rounded),
                       c10::BFloat16::from_bits());
}

/// e^x within 2 units in the last place, for x from -87 to 88.
inline float exp_within(float x) {
  const float n = __builtin_floorf(x * 1.44269504F + 0.5F);
  return exp_mantissa(x, n) * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

/// The same for every x up to 88, as of a softmax, where it is 0 at most; 0 below -80. A true 0:
/// compilers multiply what they know of one branch with the numbers of all, and the least number
/// times one below 1 is a denormal, which takes a hundred times as long.
inline float exp_fast(float x) {
  constexpr float kLeast = -80;
  const float e = exp_within(x < kLeast ? kLeast : x);
  return x < kLeast ? 0.0F : e;
}

/// Largest of x[0 .. n), n > 0. Lanes of its own, as compilers make no vector code of a plain
/// maximum that must honour NaN.
template <typename T>
float row_max(const T* x, int64_t n) {
  constexpr int64_t kLanes = 16;
  float tops[kLanes];
  std::fill_n(tops, kLanes, widen(x[0]));
  int64_t k = 0;
  for (; k + kLanes <= n; k += kLanes)
    for (int64_t j = 0; j < kLanes; ++j)
      tops[j] = tops[j] < widen(x[k + j]) ? widen(x[k + j]) : tops[j];
  float top = *std::max_element(tops, tops + kLanes);
  for (; k < n; ++k) top = std::max(top, widen(x[k]));
  return top;
}

}  // namespace precis::cpu
