// GELU and its gradient, with the column sums that the bias before it wants.
#pragma once

#include "lib/ops/device.cuh"

namespace precis::kernels {

constexpr float kSqrtHalf = 0.70710678118654752F, kTanhScale = 0.79788456080286536F,  // sqrt(2/pi)
    kTanhCubic = 0.044715F, kNormalScale = 0.39894228040143268F;  // 1/sqrt(2 pi)

PRECIS_DEVICE float gelu_of(float x, bool tanh) {
  if (!tanh) return 0.5F * x * (1 + erff(x * kSqrtHalf));
  return 0.5F * x * (1 + tanhf(kTanhScale * (x + kTanhCubic * x * x * x)));
}

PRECIS_DEVICE float gelu_slope(float x, bool tanh) {
  if (!tanh) return 0.5F * (1 + erff(x * kSqrtHalf)) + x * kNormalScale * expf(-0.5F * x * x);
  const float t = tanhf(kTanhScale * (x + kTanhCubic * x * x * x));
  return 0.5F * (1 + t) + 0.5F * x * (1 - t * t) * kTanhScale * (1 + 3 * kTanhCubic * x * x);
}

/// out = gelu(x), n elements; n is a multiple of a Pack's, and so are the addresses.
template <typename T>
struct Gelu {
  static constexpr int kThreads = 256;
  Span<const T> x;
  Span<T> out;
  bool tanh;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    using Some = Pack<T>;
    const int64_t i = (block.index() * kThreads + block.thread()) * Some::kCount;
    if (i >= x.size) return;
    Some some = *reinterpret_cast<const Some*>(x.at(i, Some::kCount));
    PRECIS_UNROLL
    for (T& value : some.x) value = static_cast<T>(gelu_of(static_cast<float>(value), tanh));
    *reinterpret_cast<Some*>(out.at(i, Some::kCount)) = some;
  }
};

/// grad_x = grad_y * gelu'(x), [N, C], and partial [blocks, C]: the sums over each block's rows.
/// grad_x may be grad_y. A thread has a Pack of columns; blocks are numbered by rows first.
template <typename T>
struct GeluBackward {
  static constexpr int kThreads = 128;
  Span<const T> grad_y, x;
  Span<T> grad_x;
  Span<float> partial;
  int64_t n, c, blocks;
  bool tanh;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    using Some = Pack<T>;
    const int64_t part = block.index() % blocks,
                  column = (block.index() / blocks * kThreads + block.thread()) * Some::kCount;
    if (column >= c) return;
    float sums[Some::kCount] = {};
    for (int64_t row = part; row < n; row += blocks) {
      const int64_t at = row * c + column;
      const Some values = *reinterpret_cast<const Some*>(x.at(at, Some::kCount));
      Some some = *reinterpret_cast<const Some*>(grad_y.at(at, Some::kCount));
      PRECIS_UNROLL
      for (int k = 0; k < Some::kCount; ++k) {
        some.x[k] = static_cast<T>(static_cast<float>(some.x[k]) *
                                   gelu_slope(static_cast<float>(values.x[k]), tanh));
        sums[k] += static_cast<float>(some.x[k]);
      }
      *reinterpret_cast<Some*>(grad_x.at(at, Some::kCount)) = some;
    }
    PRECIS_UNROLL
    for (int k = 0; k < Some::kCount; ++k) partial[part * c + column + k] = sums[k];
  }
};

}  // namespace precis::kernels
