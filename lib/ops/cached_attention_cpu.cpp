#include "lib/ops/cached_attention_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "lib/ops/vector_math.h"

namespace precis::cpu {

template <typename T>
void cached_attention(CachedRows where, AttentionHeads heads, const T* qkv, const T* cache,
                      T* out) {
  const int64_t d = heads.size, c = heads.width();
  const float scale = 1.0F / std::sqrt(static_cast<float>(d));
  std::atomic<int64_t> next{0};
  const int64_t tasks = where.rows * heads.count;
  at::parallel_for(0, std::min<int64_t>(at::get_num_threads(), tasks), 1, [&](int64_t, int64_t) {
    std::vector<float> scores(static_cast<size_t>(where.stride)), sum(static_cast<size_t>(d)),
        query(static_cast<size_t>(d));
    for (int64_t task = next++; task < tasks; task = next++) {
      const int64_t row = task / heads.count, head = task % heads.count,
                    length = where.lengths[row];
      const int32_t* slots = where.table + row * where.stride;
      for (int64_t j = 0; j < d; ++j)
        query[static_cast<size_t>(j)] = widen(qkv[row * 3 * c + head * d + j]) * scale;
      for (int64_t t = 0; t < length; ++t) {
        const T* k = cache + int64_t{slots[t]} * 2 * c + head * d;
        float dot = 0;
        for (int64_t j = 0; j < d; ++j) dot += query[static_cast<size_t>(j)] * widen(k[j]);
        scores[static_cast<size_t>(t)] = dot;
      }
      const float top = row_max(scores.data(), length);
      float total = 0;
      for (int64_t t = 0; t < length; ++t) {
        scores[static_cast<size_t>(t)] = exp_fast(scores[static_cast<size_t>(t)] - top);
        total += scores[static_cast<size_t>(t)];
      }
      std::fill(sum.begin(), sum.end(), 0.0F);
      for (int64_t t = 0; t < length; ++t) {
        const T* v = cache + int64_t{slots[t]} * 2 * c + c + head * d;
        const float weight = scores[static_cast<size_t>(t)];
        for (int64_t j = 0; j < d; ++j) sum[static_cast<size_t>(j)] += weight * widen(v[j]);
      }
      for (int64_t j = 0; j < d; ++j)
        out[row * c + head * d + j] = narrow<T>(sum[static_cast<size_t>(j)] / total);
    }
  });
}

#define PRECIS_INSTANTIATE(T) \
  template void cached_attention<T>(CachedRows, AttentionHeads, const T*, const T*, T*);
PRECIS_INSTANTIATE(float)
PRECIS_INSTANTIATE(c10::BFloat16)
PRECIS_INSTANTIATE(c10::Half)
#undef PRECIS_INSTANTIATE

}  // namespace precis::cpu
