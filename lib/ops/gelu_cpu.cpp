#include "lib/ops/gelu_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/ops/vector_math.h"

namespace precis::cpu {
namespace {

constexpr int64_t kElements = 4096;  // of work a thread takes at least
constexpr int64_t kChunk = 64;       // rows whose sums are made together, whichever thread does it

/// e^-60 is nothing beside 1, nor does it matter for itself, so beyond it stands a true 0.
/// Compilers multiply what they know of one branch with the numbers of all, which must not be
/// denormals then: exp_fast says why.
constexpr float kFar = 60.0F;

/// x * (1 + tanh(u)) / 2 with u = sqrt(2 / pi) * (x + 0.044715 x^3), as x * sigmoid(2 u): one
/// exponential, and no difference of near numbers where x is far below 0.
struct TanhGelu {
  static constexpr float kScale = 1.5957691216F, kCubic = 0.044715F;  // 2 * sqrt(2 / pi)

  static float sigmoid(float x) {
    const float exponent = -kScale * x * (1.0F + kCubic * x * x);
    const float low = exponent < -kFar ? -kFar : exponent;
    const float s = 1.0F / (1.0F + exp_within(low > kFar ? kFar : low));
    return exponent > kFar ? 0.0F : s;
  }
  static float value(float x) { return x * sigmoid(x); }
  static float slope(float x) {
    const float s = sigmoid(x);
    return s + x * s * (1.0F - s) * kScale * (1.0F + 3.0F * kCubic * x * x);
  }
};

/// x * P(X <= x) of the normal distribution, whose tail is Abramowitz and Stegun's 7.1.26: within
/// 1.5e-7, as ATen's own.
struct ExactGelu {
  static float density(float x) {
    const float exponent = -0.5F * x * x;
    const float e = exp_within(exponent < -kFar ? -kFar : exponent);
    return exponent < -kFar ? 0.0F : 0.39894228F * e;
  }
  /// P(X <= x), given the density at x.
  static float probability(float x, float density) {
    const float t = 1.0F / (1.0F + 0.3275911F * 0.70710678F * std::fabs(x));
    float p = 1.061405429F;
    p = p * t - 1.453152027F;
    p = p * t + 1.421413741F;
    p = p * t - 0.284496736F;
    p = p * t + 0.254829592F;
    const float tail = p * t * density * (0.5F / 0.39894228F);
    return x < 0.0F ? tail : 1.0F - tail;
  }
  static float value(float x) { return x * probability(x, density(x)); }
  static float slope(float x) {
    const float d = density(x);
    return probability(x, d) + x * d;
  }
};

constexpr int64_t kBlock = 64;  // elements computed at a time
struct Block {
  alignas(64) float at[kBlock] = {};
};

/// Whole blocks alone are computed, each by this code: were the rest of an array left to another
/// loop, its last bits would depend on where threads share the array.
template <typename Kind>
[[gnu::noinline]] void values_of(Block& x) {
  for (float& at : x.at) at = Kind::value(at);
}
template <typename Kind>
[[gnu::noinline]] void slopes_of(Block& x) {
  for (float& at : x.at) at = Kind::slope(at);
}

/// Calls work(begin, count) for [from, to) in pieces of a block or, the last one, less.
template <typename Work>
void for_blocks(int64_t from, int64_t to, const Work& work) {
  for (; to - from >= kBlock; from += kBlock) work(from, kBlock);  // a count that compilers know
  if (from < to) work(from, to - from);
}

template <typename Kind, typename T>
void forward(int64_t n, const T* x, T* out) {
  at::parallel_for(0, n, kElements, [&](int64_t from, int64_t to) {
    Block block;
    for_blocks(from, to, [&](int64_t begin, int64_t count) {
      for (int64_t k = 0; k < count; ++k) block.at[k] = widen(x[begin + k]);
      values_of<Kind>(block);
      for (int64_t k = 0; k < count; ++k) out[begin + k] = narrow<T>(block.at[k]);
    });
  });
}

/// grad_x of the elements [from, to); `sums`: of the first one's column, or null.
template <typename Kind, typename T>
void backward_part(int64_t from, int64_t to, const GeluBackward<T>& a, float* sums) {
  Block slopes;
  for_blocks(from, to, [&](int64_t begin, int64_t count) {
    for (int64_t k = 0; k < count; ++k) slopes.at[k] = widen(a.x[begin + k]);
    slopes_of<Kind>(slopes);
    for (int64_t k = 0; k < count; ++k) {
      const T grad = narrow<T>(widen(a.grad_y[begin + k]) * slopes.at[k]);
      a.grad_x[begin + k] = grad;
      slopes.at[k] = widen(grad);
    }
    if (sums == nullptr) return;
    for (int64_t k = 0; k < count; ++k) sums[begin - from + k] += slopes.at[k];
  });
}

template <typename Kind, typename T>
void backward(int64_t rows, int64_t c, const GeluBackward<T>& a) {
  if (a.sums == nullptr)
    return at::parallel_for(0, rows * c, kElements, [&](int64_t from, int64_t to) {
      backward_part<Kind>(from, to, a, nullptr);
    });
  const int64_t chunks = (rows + kChunk - 1) / kChunk;
  std::vector<float> parts(static_cast<size_t>(chunks * c));
  at::parallel_for(0, chunks, 1, [&](int64_t first, int64_t last) {
    for (int64_t row = first * kChunk; row < std::min(rows, last * kChunk); ++row)
      backward_part<Kind>(row * c, (row + 1) * c, a, parts.data() + row / kChunk * c);
  });
  for (int64_t chunk = 0; chunk < chunks; ++chunk)
    for (int64_t k = 0; k < c; ++k) a.sums[k] += parts[static_cast<size_t>(chunk * c + k)];
}

}  // namespace

template <typename T>
void gelu(int64_t n, const T* x, bool tanh, T* out) {
  return tanh ? forward<TanhGelu>(n, x, out) : forward<ExactGelu>(n, x, out);
}

template <typename T>
void gelu_backward(int64_t rows, int64_t c, bool tanh, const GeluBackward<T>& a) {
  return tanh ? backward<TanhGelu>(rows, c, a) : backward<ExactGelu>(rows, c, a);
}

#define PRECIS_INSTANTIATE(T)                         \
  template void gelu<T>(int64_t, const T*, bool, T*); \
  template void gelu_backward<T>(int64_t, int64_t, bool, const GeluBackward<T>&);
PRECIS_INSTANTIATE(float)
PRECIS_INSTANTIATE(c10::BFloat16)
PRECIS_INSTANTIATE(c10::Half)
#undef PRECIS_INSTANTIATE

}  // namespace precis::cpu
