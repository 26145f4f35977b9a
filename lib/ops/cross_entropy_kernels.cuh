// Cross-entropy over a vocabulary, a block a row: the logits are read twice, and their gradient
// takes their place.
#pragma once

#include "lib/ops/device.cuh"

namespace precis::kernels {

/// losses [R] = -log softmax(logits [R, V])[targets]; scale != 0: logits become their gradient
/// times scale. Rows of logits begin `stride` apart. A row of a negative target has no loss, and
/// gradient 0.
template <typename T>
struct CrossEntropy {
  static constexpr int kThreads = 256;
  Span<T> logits;
  Span<const int64_t> targets;
  Span<double> losses;  // so that they are added up in float64
  int64_t v, stride;
  float scale;
  Span<const float> scale_there;  ///< [1]: in place of scale; empty: that counts

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const int64_t row = block.index(), begin = row * stride, target = begin + targets[row];
    const float factor = scale_there.empty() ? scale : scale_there[0];
    if (targets[row] < 0) return leave_out(block, row, factor);
    float top = -INFINITY, total = 0;
    for_each_pack(block, begin, [&](auto some, int64_t) {
      float new_top = top;
      PRECIS_UNROLL
      for (const T& x : some.x) {
        const float logit = static_cast<float>(x);
        new_top = logit > new_top ? logit : new_top;
      }
      if (new_top > top) total *= expf(top - new_top);
      top = new_top;
      PRECIS_UNROLL
      for (const T& x : some.x) total += expf(static_cast<float>(x) - top);
    });
    const float row_top = over_block(block, top, /*sum=*/false);
    // A thread that has no element has a top of minus infinity, and nothing to add.
    const float mine = total == 0 ? 0 : total * expf(top - row_top);
    const float log_sum = row_top + logf(over_block(block, mine, /*sum=*/true));
    if (block.thread() == 0)
      losses[row] = static_cast<double>(log_sum - static_cast<float>(logits[target]));
    if (factor == 0) return;
    block.sync();  // the target's logit has been read
    for_each_pack(block, begin, [&](auto some, int64_t at) {
      using Some = decltype(some);
      PRECIS_UNROLL
      for (int k = 0; k < Some::kCount; ++k) {
        const float p = expf(static_cast<float>(some.x[k]) - log_sum);
        some.x[k] = static_cast<T>((at + k == target ? p - 1 : p) * factor);
      }
      *reinterpret_cast<Some*>(logits.at(at, Some::kCount)) = some;
    });
  }

 private:
  template <class Block>
  PRECIS_DEVICE void leave_out(const Block& block, int64_t row, float factor) const {
    if (block.thread() == 0) losses[row] = 0;
    if (factor == 0) return;
    for_each_pack(block, row * stride, [&](auto some, int64_t at) {
      using Some = decltype(some);
      PRECIS_UNROLL
      for (T& x : some.x) x = static_cast<T>(0.0F);
      *reinterpret_cast<Some*>(logits.at(at, Some::kCount)) = some;
    });
  }
  /// work(pack, where it is in logits) for this thread's share of the row at `begin`: packs, then
  /// packs of one for what is left; these alone where the row does not begin at a pack.
  template <class Block, class Work>
  PRECIS_DEVICE void for_each_pack(const Block& block, int64_t begin, const Work& work) const {
    using Some = Pack<T>;
    using One = Pack<T, 1>;
    const int64_t packs = begins_pack(logits.at(begin, v)) ? v / Some::kCount : 0;
    for (int64_t i = block.thread(); i < packs; i += kThreads) {
      const int64_t at = begin + i * Some::kCount;
      work(*reinterpret_cast<const Some*>(logits.at(at, Some::kCount)), at);
    }
    for (int64_t i = packs * Some::kCount + block.thread(); i < v; i += kThreads)
      work(One{{logits[begin + i]}}, begin + i);
  }
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
