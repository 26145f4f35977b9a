// Cross-entropy over a vocabulary, a block a row: the logits are read twice, and their gradient
// takes their place.
#pragma once

#include "lib/ops/device.cuh"

namespace precis::kernels {

/// losses [R] = -log softmax(logits [R, V])[targets]; scale != 0: logits become their gradient
/// times scale. Rows of logits begin `stride` apart.
template <typename T>
struct CrossEntropy {
  static constexpr int kThreads = 256;
  Span<T> logits;
  Span<const int64_t> targets;
  Span<double> losses;  // so that they are added up in float64
  int64_t v, stride;
  float scale;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const int64_t row = block.index(), begin = row * stride;
    float top = -INFINITY, total = 0;
    for (int64_t i = block.thread(); i < v; i += kThreads) {
      const float x = static_cast<float>(logits[begin + i]);
      if (x > top) {
        total = total * expf(top - x) + 1;
        top = x;
      } else {
        total += expf(x - top);
      }
    }
    const float row_top = over_block(block, top, /*sum=*/false);
    // A thread that has no element has a top of minus infinity, and nothing to add.
    const float mine = total == 0 ? 0 : total * expf(top - row_top);
    const float log_sum = row_top + logf(over_block(block, mine, /*sum=*/true));
    if (block.thread() == 0)
      losses[row] = static_cast<double>(log_sum - static_cast<float>(logits[begin + targets[row]]));
    if (scale == 0) return;
    block.sync();  // the target's logit has been read
    for (int64_t i = block.thread(); i < v; i += kThreads) {
      const float p = expf(static_cast<float>(logits[begin + i]) - log_sum);
      logits[begin + i] = static_cast<T>((i == targets[row] ? p - 1 : p) * scale);
    }
  }

 private:
  template <class Block>
  static PRECIS_DEVICE float over_block(const Block& block, float x, bool sum) {
    constexpr int kWarps = kThreads / kWarp;
    const Span<float> of_warps = block.template shared<float>(0, kWarps);
    x = sum ? warp_sum(block, x) : warp_max(block, x);
    block.sync();  // what was there before has been read
    if (block.lane() == 0) of_warps[block.warp()] = x;
    block.sync();
    float all = of_warps[0];
    for (int w = 1; w < kWarps; ++w) {
      const float other = of_warps[w];
      all = sum ? all + other : (other > all ? other : all);
    }
    return all;
  }
};

}  // namespace precis::kernels
