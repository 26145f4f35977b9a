#include "lib/ops/cached_attention_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "lib/ops/vector_math.h"

namespace precis::cpu {
namespace {

/// Some heads of one row, side by side in memory, so that what the cache holds of a token is read
/// once and from front to back. kHead: channels of a head, or 0 where it is known at run time only.
template <typename T, int64_t kHead>
class RowAttention {
 public:
  RowAttention(const CachedRows& where, const AttentionHeads& heads, int64_t row, int64_t first,
               int64_t count)
      : slots_(where.table + row * where.stride),
        length_(where.lengths[row]),
        d_(kHead > 0 ? kHead : heads.size),
        c_(heads.width()),
        begin_(first * d_),
        heads_(count) {}

  void run(const T* qkv, T* cache, T* out, std::vector<float>& scratch) const {
    const int64_t width = heads_ * d_;
    scratch.resize(static_cast<size_t>(2 * width + heads_ * length_));
    float *query = scratch.data(), *sums = query + width, *scores = sums + width;
    T* newest = cache + int64_t{slots_[length_ - 1]} * 2 * c_ + begin_;
    const T* from = qkv + begin_;
    std::memcpy(newest, from + c_, static_cast<size_t>(width) * sizeof(T));
    std::memcpy(newest + c_, from + 2 * c_, static_cast<size_t>(width) * sizeof(T));
    const float scale = 1.0F / std::sqrt(static_cast<float>(d_));
    for (int64_t j = 0; j < width; ++j) query[j] = widen(from[j]) * scale;
    score(query, cache, scores);
    for (int64_t head = 0; head < heads_; ++head) softmax(scores + head * length_);
    std::fill_n(sums, width, 0.0F);
    add_values(scores, cache + c_, sums);
    for (int64_t j = 0; j < width; ++j) out[begin_ + j] = narrow<T>(sums[j]);
  }

 private:
  static constexpr int64_t kAhead = 4;  // tokens; their place is no pattern that the CPU foresees
  static constexpr int64_t kLine = 64;

  const T* token(const T* cache, int64_t t) const {
    return cache + int64_t{slots_[t]} * 2 * c_ + begin_;
  }
  /// Calls for what lies there for one head, of a token to come.
  void prefetch(const T* cache, int64_t t, int64_t head) const {
    const auto* from = reinterpret_cast<const char*>(
        token(cache, t + kAhead < length_ ? t + kAhead : length_ - 1) + head * d_);
    for (int64_t byte = 0; byte < d_ * static_cast<int64_t>(sizeof(T)); byte += kLine)
      __builtin_prefetch(from + byte);
  }
  void score(const float* query, const T* cache, float* scores) const {
    for (int64_t t = 0; t < length_; ++t) {
      const T* keys = token(cache, t);
      for (int64_t head = 0; head < heads_; ++head) {
        prefetch(cache, t, head);
        const T* k = keys + head * d_;
        const float* q = query + head * d_;
        float dot = 0;
        for (int64_t j = 0; j < d_; ++j) dot += q[j] * widen(k[j]);
        scores[head * length_ + t] = dot;
      }
    }
  }
  void softmax(float* scores) const {
    const float top = row_max(scores, length_);
    float total = 0;
    for (int64_t t = 0; t < length_; ++t) {
      scores[t] = exp_fast(scores[t] - top);
      total += scores[t];
    }
    const float over = 1.0F / total;
    for (int64_t t = 0; t < length_; ++t) scores[t] *= over;
  }
  /// Two tokens at a time: half as many passes over the sums.
  void add_values(const float* weights, const T* cache, float* sums) const {
    int64_t t = 0;
    for (; t + 2 <= length_; t += 2) {
      const T *a = token(cache, t), *b = token(cache, t + 1);
      for (int64_t head = 0; head < heads_; ++head) {
        prefetch(cache, t, head);
        prefetch(cache, t + 1, head);
        const float wa = weights[head * length_ + t], wb = weights[head * length_ + t + 1];
        const int64_t at = head * d_;
        for (int64_t j = 0; j < d_; ++j)
          sums[at + j] += wa * widen(a[at + j]) + wb * widen(b[at + j]);
      }
    }
    if (t == length_) return;
    const T* last = token(cache, t);
    for (int64_t head = 0; head < heads_; ++head)
      for (int64_t j = head * d_; j < (head + 1) * d_; ++j)
        sums[j] += weights[head * length_ + t] * widen(last[j]);
  }

  const int32_t* slots_;
  int64_t length_, d_, c_, begin_, heads_;
};

}  // namespace

template <typename T>
void cached_attention(CachedRows where, AttentionHeads heads, const T* qkv, T* cache, T* out) {
  // Enough pieces for all threads, the last of which shall not wait long for another's long row.
  constexpr int64_t kPiecesOfAThread = 4;
  const int64_t threads = at::get_num_threads(), c = heads.width(),
                pieces = std::clamp<int64_t>((kPiecesOfAThread * threads + where.rows - 1) /
                                                 std::max<int64_t>(1, where.rows),
                                             1, heads.count),
                group = (heads.count + pieces - 1) / pieces,
                groups = (heads.count + group - 1) / group, tasks = where.rows * groups;
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min<int64_t>(threads, tasks), 1, [&](int64_t, int64_t) {
    std::vector<float> scratch;
    for (int64_t task = next++; task < tasks; task = next++) {
      const int64_t row = task / groups, first = task % groups * group,
                    count = std::min(group, heads.count - first);
      constexpr int64_t kUsual = 64;
      if (heads.size == kUsual)
        RowAttention<T, kUsual>(where, heads, row, first, count)
            .run(qkv + row * 3 * c, cache, out + row * c, scratch);
      else
        RowAttention<T, 0>(where, heads, row, first, count)
            .run(qkv + row * 3 * c, cache, out + row * c, scratch);
    }
  });
}

#define PRECIS_INSTANTIATE(T) \
  template void cached_attention<T>(CachedRows, AttentionHeads, const T*, T*, T*);
PRECIS_INSTANTIATE(float)
PRECIS_INSTANTIATE(c10::BFloat16)
PRECIS_INSTANTIATE(c10::Half)
#undef PRECIS_INSTANTIATE

}  // namespace precis::cpu
