// Causal attention on the CPU, one (sample, head) at a time in tiles of queries, so that no T x T
// matrix is kept and the upper triangle is hardly touched. Backward recomputes the probabilities
// from log-sum-exp (Dao et al., FlashAttention, 2022).
#include "lib/ops/attention_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "lib/ops/blas.h"
#include "lib/ops/dropout_cpu.h"
#include "lib/ops/vector_math.h"

namespace precis::cpu {
namespace {

constexpr int64_t kTile = 64;  // queries at a time

/// Runs work(sample, head) for all of them; threads take the next one when free, since lengths
/// differ.
template <typename Work>
void for_each_head(const AttentionShape& shape, const Work& work) {
  std::atomic<int64_t> next{0};
  const int64_t tasks = shape.num_samples * shape.n_head;
  at::parallel_for(0, std::min<int64_t>(at::get_num_threads(), tasks), 1, [&](int64_t, int64_t) {
    for (int64_t task = next++; task < tasks; task = next++)
      work(task / shape.n_head, task % shape.n_head);
  });
}

/// [length, D] of one head as float32: the array itself where it is, else a copy.
template <typename T>
struct HeadRows {
  std::vector<float> copy;
  Matrix rows{};

  HeadRows(const T* data, int64_t stride, int64_t length, int64_t d) {
    if constexpr (std::is_same_v<T, float>) {
      rows = {data, stride};
    } else {
      copy.resize(static_cast<size_t>(length * d));
      for (int64_t i = 0; i < length; ++i)
        for (int64_t k = 0; k < d; ++k)
          copy[static_cast<size_t>(i * d + k)] = widen(data[i * stride + k]);
      rows = {copy.data(), d};
    }
  }
  Matrix from(int64_t row) const { return {rows.data + row * rows.stride, rows.stride}; }
};

Matrix transposed(Matrix a) {
  return {a.data, a.stride, true};
}

/// One head of one sample: where its rows lie, and what its dropout goes by.
template <typename T>
struct Head {
  int64_t begin, length;
  HeadRows<T> q, k, v;
  uint64_t key;

  Head(const AttentionShape& shape, const Dropout& dropout, const T* qkv, int64_t sample,
       int64_t head)
      : Head(shape, dropout, sample,
             qkv + int64_t{shape.offsets[sample]} * 3 * shape.width() + head * shape.head_size) {}

 private:
  Head(const AttentionShape& shape, const Dropout& dropout, int64_t sample, const T* first)
      : begin(shape.offsets[sample]),
        length(shape.offsets[sample + 1] - begin),
        q(first, 3 * shape.width(), length, shape.head_size),
        k(first + shape.width(), 3 * shape.width(), length, shape.head_size),
        v(first + 2 * shape.width(), 3 * shape.width(), length, shape.head_size),
        key(dropout.active() ? dropout.key(static_cast<uint64_t>(shape.sample_keys[sample])) : 0) {}
};

}  // namespace

template <typename T>
void attention(AttentionShape shape, Dropout dropout, const T* qkv, T* out, float* log_sum_exp) {
  const int64_t d = shape.head_size, c = shape.width(), n = shape.offsets[shape.num_samples];
  const float scale = 1.0F / std::sqrt(static_cast<float>(d));
  for_each_head(shape, [&](int64_t sample, int64_t head) {
    const Head<T> of(shape, dropout, qkv, sample, head);
    const auto& [begin, length, q, k, v, key] = of;
    std::vector<float> scores(static_cast<size_t>(kTile * length)),
        keep(static_cast<size_t>(padded_to_group(length)), 1.0F);
    std::vector<float> tile(static_cast<size_t>(kTile * d));
    for (int64_t first = 0; first < length; first += kTile) {
      const int64_t rows = std::min(kTile, length - first), keys = first + rows;
      multiply(rows, keys, d, scale, q.from(first), transposed(k.rows), 0, scores.data(), keys);
      for (int64_t i = 0; i < rows; ++i) {
        float* s = scores.data() + i * keys;
        const int64_t seen = first + i + 1;
        const float top = row_max(s, seen);
        float total = 0;
        for (int64_t j = 0; j < seen; ++j) {
          s[j] = exp_fast(s[j] - top);
          total += s[j];
        }
        if (log_sum_exp != nullptr)
          log_sum_exp[head * n + begin + first + i] = top + std::log(total);
        const float over_total = 1.0F / total;
        if (dropout.active()) {
          dropout_multipliers(dropout, key, seen, static_cast<uint32_t>(first + i),
                              static_cast<uint32_t>(head), keep.data());
          for (int64_t j = 0; j < seen; ++j) s[j] *= over_total * keep[static_cast<size_t>(j)];
        } else {
          for (int64_t j = 0; j < seen; ++j) s[j] *= over_total;
        }
        std::fill(s + seen, s + keys, 0.0F);
      }
      T* to = out + (begin + first) * c + head * d;
      if constexpr (std::is_same_v<T, float>) {
        multiply(rows, d, keys, 1, {scores.data(), keys}, v.rows, 0, to, c);
      } else {
        multiply(rows, d, keys, 1, {scores.data(), keys}, v.rows, 0, tile.data(), d);
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < d; ++j)
            to[i * c + j] = narrow<T>(tile[static_cast<size_t>(i * d + j)]);
      }
    }
  });
}

template <typename T>
void attention_backward(AttentionShape shape, Dropout dropout, const T* qkv, const T* out,
                        const T* grad_out, const float* log_sum_exp, T* grad_qkv) {
  const int64_t d = shape.head_size, c = shape.width(), n = shape.offsets[shape.num_samples];
  const float scale = 1.0F / std::sqrt(static_cast<float>(d));
  for_each_head(shape, [&](int64_t sample, int64_t head) {
    const Head<T> of(shape, dropout, qkv, sample, head);
    const auto& [begin, length, q, k, v, key] = of;
    const HeadRows<T> o(out + begin * c + head * d, c, length, d),
        go(grad_out + begin * c + head * d, c, length, d);
    const auto room = static_cast<size_t>(kTile * length), flat = static_cast<size_t>(length * d);
    std::vector<float> p(room), kept(room), ds(room),
        keep(static_cast<size_t>(padded_to_group(length)), 1.0F);
    std::vector<float> gq(flat), gk(flat), gv(flat);
    for (int64_t first = 0; first < length; first += kTile) {
      const int64_t rows = std::min(kTile, length - first), keys = first + rows;
      multiply(rows, keys, d, scale, q.from(first), transposed(k.rows), 0, p.data(), keys);
      multiply(rows, keys, d, 1, go.from(first), transposed(v.rows), 0, ds.data(), keys);
      for (int64_t i = 0; i < rows; ++i) {
        float *pi = p.data() + i * keys, *ki = kept.data() + i * keys, *di = ds.data() + i * keys;
        const int64_t seen = first + i + 1;
        const float lse = log_sum_exp[head * n + begin + first + i];
        const Matrix oi = o.from(first + i), gi = go.from(first + i);
        float dot = 0;  // sum over keys of p * dp equals out . grad_out
        for (int64_t j = 0; j < d; ++j) dot += oi.data[j] * gi.data[j];
        if (dropout.active())
          dropout_multipliers(dropout, key, seen, static_cast<uint32_t>(first + i),
                              static_cast<uint32_t>(head), keep.data());
        for (int64_t j = 0; j < seen; ++j) {
          const float probability = exp_fast(pi[j] - lse);
          ki[j] = probability * keep[static_cast<size_t>(j)];
          di[j] = probability * (di[j] * keep[static_cast<size_t>(j)] - dot) * scale;
        }
        std::fill(ki + seen, ki + keys, 0.0F);
        std::fill(di + seen, di + keys, 0.0F);
      }
      multiply(keys, d, rows, 1, {kept.data(), keys, true}, go.from(first), 1, gv.data(), d);
      multiply(rows, d, keys, 1, {ds.data(), keys}, k.rows, 0, gq.data() + first * d, d);
      multiply(keys, d, rows, 1, {ds.data(), keys, true}, q.from(first), 1, gk.data(), d);
    }
    T* to = grad_qkv + begin * 3 * c + head * d;
    for (int64_t i = 0; i < length; ++i)
      for (int64_t j = 0; j < d; ++j) {
        to[i * 3 * c + j] = narrow<T>(gq[static_cast<size_t>(i * d + j)]);
        to[i * 3 * c + c + j] = narrow<T>(gk[static_cast<size_t>(i * d + j)]);
        to[i * 3 * c + 2 * c + j] = narrow<T>(gv[static_cast<size_t>(i * d + j)]);
      }
  });
}

#define PRECIS_INSTANTIATE(T)                                                                \
  template void attention<T>(AttentionShape, Dropout, const T*, T*, float*);                 \
  template void attention_backward<T>(AttentionShape, Dropout, const T*, const T*, const T*, \
                                      const float*, T*);
PRECIS_INSTANTIATE(float)
PRECIS_INSTANTIATE(c10::BFloat16)
PRECIS_INSTANTIATE(c10::Half)
#undef PRECIS_INSTANTIATE

}  // namespace precis::cpu
