// Dropout as kernels see it: the numbers of dropout.h, eight at a time.
#pragma once

#include "lib/ops/device.cuh"
#include "lib/ops/dropout.h"

namespace precis::kernels {

/// Numbers that one Philox block decides. Block p of a row decides columns column_of(p, 0 .. 7).
constexpr int kPerPhilox = 8;

PRECIS_DEVICE int64_t column_of(int64_t philox_block, int k) {
  return philox_block / 8 * kDropoutGroup + philox_block % 8 + 8 * k;
}

/// The multipliers of a Philox block in row `a`, plane `b`; all 1 where nothing is dropped.
PRECIS_DEVICE void philox_multipliers(const Dropout& dropout, uint64_t key, int64_t philox_block,
                                      int64_t a, int64_t b, float (&out)[kPerPhilox]) {
  if (!dropout.active()) {
    PRECIS_UNROLL
    for (float& x : out) x = 1;
    return;
  }
  const PhiloxBlock words = philox(
      {static_cast<uint32_t>(philox_block), static_cast<uint32_t>(a), static_cast<uint32_t>(b), 0},
      {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
  const float scale = dropout.scale();
  PRECIS_UNROLL
  for (int k = 0; k < kPerPhilox; ++k) {
    const uint32_t bits = (words[static_cast<size_t>(k / 2)] >> (16 * (k % 2))) & 0xFFFFU;
    out[k] = bits < dropout.threshold ? 0.0F : scale;
  }
}

/// What names the rows of an [N, C] array to dropout; empty where nothing is dropped.
struct RowNames {
  Span<const int64_t> keys, positions;

  PRECIS_DEVICE void multipliers(const Dropout& dropout, int64_t row, int64_t philox_block,
                                 float (&out)[kPerPhilox]) const {
    if (dropout.active())
      philox_multipliers(dropout, dropout.key(static_cast<uint64_t>(keys[row])), philox_block,
                         positions[row], 0, out);
    else
      philox_multipliers(dropout, 0, philox_block, 0, 0, out);
  }
};

}  // namespace precis::kernels
