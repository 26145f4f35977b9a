// Arithmetic in a form that compilers turn into vector code.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "lib/ops/dropout.h"
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

/// Where the exponential ends: neither it nor what it divides, or is a part of, is a number that
/// CPUs take a hundred times as long for (a denormal).
constexpr float kExpBound = 80;

/// e^x within 2 units in the last place; of x beyond kExpBound either way that of kExpBound.
inline float exp_fast(float x) {
  x = x < -kExpBound ? -kExpBound : x;
  x = x > kExpBound ? kExpBound : x;
  const float n = __builtin_floorf(x * 1.44269504F + 0.5F);
  return exp_mantissa(x, n) * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

/// The 64 sixteen-bit numbers of one dropout group (see dropout.h), in the order of its columns.
inline void dropout_bits(uint64_t key, uint32_t group, uint32_t a, uint32_t b, uint16_t* out) {
  constexpr int kLanes = 8;
  alignas(32) uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    c0[i] = group * kLanes + static_cast<uint32_t>(i);
    c1[i] = a;
    c2[i] = b;
    c3[i] = 0;
  }
  auto k0 = static_cast<uint32_t>(key);
  auto k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kLanes; ++i) {
      const uint64_t p = uint64_t{0xD2511F53} * c0[i];
      const uint64_t q = uint64_t{0xCD9E8D57} * c2[i];
      const uint32_t high_p = static_cast<uint32_t>(p >> 32),
                     high_q = static_cast<uint32_t>(q >> 32);
      c0[i] = high_q ^ c1[i] ^ k0;
      c2[i] = high_p ^ c3[i] ^ k1;
      c1[i] = static_cast<uint32_t>(q);
      c3[i] = static_cast<uint32_t>(p);
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  const uint32_t* words[4] = {c0, c1, c2, c3};
  for (int w = 0; w < 4; ++w)
    for (int i = 0; i < kLanes; ++i) {
      out[16 * w + i] = static_cast<uint16_t>(words[w][i]);
      out[16 * w + 8 + i] = static_cast<uint16_t>(words[w][i] >> 16);
    }
}

/// multipliers[0 .. count): 0 where dropped, scale where kept; for row a, plane b. Room for the
/// last whole group is needed.
inline void dropout_multipliers(const Dropout& dropout, uint64_t key, int64_t count, uint32_t a,
                                uint32_t b, float* multipliers) {
  alignas(32) uint16_t bits[kDropoutGroup];
  const float scale = dropout.scale();
  const auto threshold = static_cast<int32_t>(dropout.threshold);
  for (int64_t group = 0; group * kDropoutGroup < count; ++group) {
    dropout_bits(key, static_cast<uint32_t>(group), a, b, bits);
    float* out = multipliers + group * kDropoutGroup;
    for (int64_t i = 0; i < kDropoutGroup; ++i)
      out[i] = static_cast<int32_t>(bits[i]) < threshold ? 0.0F : scale;
  }
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

/// Room that a row of dropout multipliers needs.
inline int64_t padded_to_group(int64_t count) {
  return (count + kDropoutGroup - 1) / kDropoutGroup * kDropoutGroup;
}

}  // namespace precis::cpu
