#include "lib/ops/dropout_cpu.h"

#ifdef __AVX2__  // the flags of the build say so for this file on x86
#include <immintrin.h>
#endif

#include "lib/base/random.h"

namespace precis::cpu {
namespace {

constexpr int kLanes = 8;  // counters of a group

/// What all groups of a row have in common.
struct Row {
  uint32_t key[2], a, b;
  int32_t threshold;
  float scale;
};

#ifdef __AVX2__

/// Four counters a register: each in a lane of 64 bits whose upper half is of no account, as a
/// multiplication reads the lower half alone and leaves both words of its product in the lane. The
/// even counters of a group are in one register, the odd ones in the next.
template <int kGroups>
void fill_groups(const Row& row, uint32_t group, float* out) {
  constexpr int kRegisters = 2 * kGroups;  // chains that do not wait for each other
  __m256i c0[kRegisters], c1[kRegisters], c2[kRegisters], c3[kRegisters];
  for (int r = 0; r < kRegisters; ++r) {
    const auto first = static_cast<int64_t>(group) * kLanes + (r / 2) * kLanes + r % 2;
    c0[r] = _mm256_add_epi64(_mm256_set1_epi64x(first), _mm256_setr_epi64x(0, 2, 4, 6));
    c1[r] = _mm256_set1_epi64x(row.a);
    c2[r] = _mm256_set1_epi64x(row.b);
    c3[r] = _mm256_setzero_si256();
  }
  const __m256i multiplier_0 = _mm256_set1_epi64x(0xD2511F53),
                multiplier_2 = _mm256_set1_epi64x(0xCD9E8D57);
  uint32_t k0 = row.key[0], k1 = row.key[1];
  for (int round = 0; round < 10; ++round) {
    const __m256i key_0 = _mm256_set1_epi64x(k0), key_1 = _mm256_set1_epi64x(k1);
    for (int r = 0; r < kRegisters; ++r) {
      const __m256i p = _mm256_mul_epu32(c0[r], multiplier_0),
                    q = _mm256_mul_epu32(c2[r], multiplier_2);
      c0[r] = _mm256_xor_si256(_mm256_srli_epi64(q, 32), _mm256_xor_si256(c1[r], key_0));
      c2[r] = _mm256_xor_si256(_mm256_srli_epi64(p, 32), _mm256_xor_si256(c3[r], key_1));
      c1[r] = q;
      c3[r] = p;
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  const __m256i below = _mm256_set1_epi32(row.threshold - 1), half = _mm256_set1_epi32(0xFFFF);
  const __m256 scale = _mm256_set1_ps(row.scale);
  const auto store = [&](float* to, __m256i bits) {
    const __m256 kept = _mm256_castsi256_ps(_mm256_cmpgt_epi32(bits, below));
    _mm256_storeu_ps(to, _mm256_and_ps(kept, scale));
  };
  const __m256i* words[4] = {c0, c1, c2, c3};
  for (int g = 0; g < kGroups; ++g)
    for (int w = 0; w < 4; ++w) {
      const __m256i even = words[w][2 * g], odd = words[w][2 * g + 1],
                    all = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
      float* to = out + g * kDropoutGroup + 2 * kLanes * w;
      store(to, _mm256_and_si256(all, half));
      store(to + kLanes, _mm256_srli_epi32(all, 16));
    }
}

#else

template <int kGroups>
void fill_groups(const Row& row, uint32_t group, float* out) {
  const auto multiplier = [&](uint32_t bits) {
    return static_cast<int32_t>(bits) < row.threshold ? 0.0F : row.scale;
  };
  for (uint32_t g = 0; g < kGroups; ++g)
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      const PhiloxBlock words =
          philox({(group + g) * kLanes + lane, row.a, row.b, 0}, {row.key[0], row.key[1]});
      for (uint32_t w = 0; w < 4; ++w) {
        float* to = out + g * kDropoutGroup + 2 * kLanes * w + lane;
        to[0] = multiplier(words[w] & 0xFFFF);
        to[kLanes] = multiplier(words[w] >> 16);
      }
    }
}

#endif

}  // namespace

void dropout_multipliers(const Dropout& dropout, uint64_t key, int64_t count, uint32_t a,
                         uint32_t b, float* multipliers) {
  const Row row{{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)},
                a,
                b,
                static_cast<int32_t>(dropout.threshold),
                dropout.scale()};
  const int64_t groups = padded_to_group(count) / kDropoutGroup;
  int64_t group = 0;
  for (; group + 2 <= groups; group += 2)
    fill_groups<2>(row, static_cast<uint32_t>(group), multipliers + group * kDropoutGroup);
  if (group < groups)
    fill_groups<1>(row, static_cast<uint32_t>(group), multipliers + group * kDropoutGroup);
}

}  // namespace precis::cpu
