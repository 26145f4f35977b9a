// Attention of one new token a row over what a cache keeps of those before it: a block for each row
// and head, which first puts the token's own key and value there. A lane has a key's score, then a
// channel of the values.
#pragma once

#include "lib/ops/device.cuh"

namespace precis::kernels {

/// out [B, C] from the queries in qkv [B, 3C] and cache [slots, 2C] (keys, then values); row b sees
/// the slots table[b * stride ..] of which there are lengths[b], at least one; the last of them is
/// the new token's.
template <typename T, int kWidth>
struct CachedAttention {
  static constexpr int kThreads = 128, kWarps = kThreads / kWarp, kPerLane = kWidth / kWarp;
  static constexpr int kQuery = 0, kSums = kWidth * 4, kStatistics = kSums + kWarps * kWidth * 4,
                       kSharedBytes = kStatistics + 2 * kWarps * 4;
  Span<const T> qkv;
  Span<T> cache;
  Span<const int32_t> table, lengths;
  Span<T> out;
  int64_t stride, n_head, head_size;
  float scale;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const int64_t row = block.index() / n_head, head = block.index() % n_head;
    const int64_t c = n_head * head_size;
    const Span<float> query = block.template shared<float>(kQuery, kWidth);
    for (int d = block.thread(); d < kWidth; d += kThreads)
      query[d] = d < head_size ? static_cast<float>(qkv[row * 3 * c + head * head_size + d]) : 0;
    keep_newest(block, row, head);
    block.sync();
    float top = -INFINITY, total = 0;
    float sums[kPerLane] = {};
    for (int first = block.warp() * kWarp; first < lengths[row]; first += kThreads) {
      const int j = first + block.lane(),
                here = lengths[row] - first < kWarp ? lengths[row] - first : kWarp;
      const int32_t slot = j < lengths[row] ? table[row * stride + j] : 0;
      const float score =
          j < lengths[row] ? dot(query, slot * 2 * c + head * head_size) : -INFINITY;
      const float new_top = fmaxf(top, warp_max(block, score));
      const float fade = expf(top - new_top), p = expf(score - new_top);
      total = total * fade + warp_sum(block, p);
      PRECIS_UNROLL
      for (float& sum : sums) sum *= fade;
      add_values(block, here, p, table.at(row * stride + first, here), head, sums);
      top = new_top;
    }
    gather(block, top, total, sums);
    write(block, row * c + head * head_size);
  }

 private:
  template <class Block>
  PRECIS_DEVICE void keep_newest(const Block& block, int64_t row, int64_t head) const {
    const int64_t c = n_head * head_size, from = row * 3 * c + c + head * head_size,
                  to = table[row * stride + lengths[row] - 1] * 2 * c + head * head_size;
    for (int d = block.thread(); d < static_cast<int>(head_size); d += kThreads) {
      cache[to + d] = qkv[from + d];
      cache[to + c + d] = qkv[from + c + d];
    }
  }
  PRECIS_DEVICE float dot(const Span<float>& query, int64_t key) const {
    using Some = Pack<T>;
    const int size = static_cast<int>(head_size);
    float sum = 0;
    if (size % Some::kCount == 0 && begins_pack(cache.data)) {  // then all keys begin at packs
      for (int d = 0; d < size; d += Some::kCount) {
        const Some some = *reinterpret_cast<const Some*>(cache.at(key + d, Some::kCount));
        PRECIS_UNROLL
        for (int k = 0; k < Some::kCount; ++k) sum += query[d + k] * static_cast<float>(some.x[k]);
      }
    } else {
      for (int d = 0; d < size; ++d) sum += query[d] * static_cast<float>(cache[key + d]);
    }
    return sum * scale;
  }
  /// sums += p * value over the warp's keys, whose slots are given.
  template <class Block>
  PRECIS_DEVICE void add_values(const Block& block, int here, float p, const int32_t* slots,
                                int64_t head, float (&sums)[kPerLane]) const {
    const int64_t c = n_head * head_size;
    for (int j = 0; j < here; ++j) {
      const float weight = block.shuffle(p, j);
      const int64_t value = slots[j] * 2 * c + c + head * head_size;
      PRECIS_UNROLL
      for (int i = 0; i < kPerLane; ++i) {
        const int d = i * kWarp + block.lane();
        if (d < head_size) sums[i] += weight * static_cast<float>(cache[value + d]);
      }
    }
  }
  /// Puts what the warps have into shared memory.
  template <class Block>
  PRECIS_DEVICE void gather(const Block& block, float top, float total,
                            const float (&sums)[kPerLane]) const {
    const Span<float> all = block.template shared<float>(kSums, kWarps * kWidth),
                      statistics = block.template shared<float>(kStatistics, 2 * kWarps);
    PRECIS_UNROLL
    for (int i = 0; i < kPerLane; ++i)
      all[block.warp() * kWidth + i * kWarp + block.lane()] = sums[i];
    if (block.lane() == 0) {
      statistics[2 * block.warp()] = top;
      statistics[2 * block.warp() + 1] = total;
    }
    block.sync();
  }
  template <class Block>
  PRECIS_DEVICE void write(const Block& block, int64_t start) const {
    const Span<float> all = block.template shared<float>(kSums, kWarps * kWidth),
                      statistics = block.template shared<float>(kStatistics, 2 * kWarps);
    float top = statistics[0];
    for (int w = 1; w < kWarps; ++w) top = fmaxf(top, statistics[2 * w]);
    float total = 0;
    for (int w = 0; w < kWarps; ++w) total += statistics[2 * w + 1] * expf(statistics[2 * w] - top);
    for (int d = block.thread(); d < static_cast<int>(head_size); d += kThreads) {
      float sum = 0;
      for (int w = 0; w < kWarps; ++w) sum += all[w * kWidth + d] * expf(statistics[2 * w] - top);
      out[start + d] = static_cast<T>(sum / total);
    }
  }
};

}  // namespace precis::kernels
