// Embedding, residual sum with dropout and layer norm, column sums, cross-entropy: the memory-bound
// kernels.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/ops/kernels_cpu.h"
#include "lib/ops/vector_math.h"

namespace precis::cpu {
namespace {

constexpr int64_t kRows = 16;      // rows of work a thread takes at least
constexpr int64_t kColumns = 128;  // columns a thread takes at a time where threads share columns

}  // namespace

void embed(int64_t n, int64_t c, const int64_t* tokens, RowIds rows, const float* wte,
           const float* wpe, Dropout dropout, float* out) {
  at::parallel_for(0, n, kRows, [&](int64_t from, int64_t to) {
    std::vector<float> keep(static_cast<size_t>(padded_to_group(c)), 1.0F);
    for (int64_t i = from; i < to; ++i) {
      const float* token = wte + tokens[i] * c;
      const float* position = wpe + rows.positions[i] * c;
      if (dropout.active())
        dropout_multipliers(dropout, dropout.key(static_cast<uint64_t>(rows.keys[i])), c,
                            static_cast<uint32_t>(rows.positions[i]), 0, keep.data());
      for (int64_t k = 0; k < c; ++k)
        out[i * c + k] = (token[k] + position[k]) * keep[static_cast<size_t>(k)];
    }
  });
}

void embed_backward(int64_t n, int64_t c, const int64_t* tokens, RowIds rows, const float* grad_out,
                    Dropout dropout, float* grad_wte, float* grad_wpe) {
  std::vector<float> dropped;
  if (dropout.active()) {  // once for all threads: below each of them walks all rows
    dropped.resize(static_cast<size_t>(n * c));
    at::parallel_for(0, n, kRows, [&](int64_t from, int64_t to) {
      std::vector<float> keep(static_cast<size_t>(padded_to_group(c)));
      for (int64_t i = from; i < to; ++i) {
        dropout_multipliers(dropout, dropout.key(static_cast<uint64_t>(rows.keys[i])), c,
                            static_cast<uint32_t>(rows.positions[i]), 0, keep.data());
        for (int64_t k = 0; k < c; ++k)
          dropped[static_cast<size_t>(i * c + k)] =
              grad_out[i * c + k] * keep[static_cast<size_t>(k)];
      }
    });
    grad_out = dropped.data();
  }
  at::parallel_for(0, c, kColumns, [&](int64_t from, int64_t to) {
    for (int64_t i = 0; i < n; ++i) {
      float* token = grad_wte + tokens[i] * c;
      float* position = grad_wpe + rows.positions[i] * c;
      const float* grad = grad_out + i * c;
      for (int64_t k = from; k < to; ++k) {
        token[k] += grad[k];
        position[k] += grad[k];
      }
    }
  });
}

template <typename T>
void residual_norm(NormShape shape, RowIds rows, Dropout dropout, const NormForward<T>& a) {
  const int64_t c = shape.c;
  const float over_c = 1.0F / static_cast<float>(c);
  at::parallel_for(0, shape.n, kRows, [&](int64_t from, int64_t to) {
    std::vector<float> keep(static_cast<size_t>(padded_to_group(c)), 1.0F);
    for (int64_t i = from; i < to; ++i) {
      const float* x = a.x_in + i * c;
      if (a.y != nullptr) {
        if (dropout.active())
          dropout_multipliers(dropout, dropout.key(static_cast<uint64_t>(rows.keys[i])), c,
                              static_cast<uint32_t>(rows.positions[i]), 0, keep.data());
        const T* y = a.y + i * c;
        float* sum = a.x_out + i * c;
        for (int64_t k = 0; k < c; ++k) sum[k] = x[k] + widen(y[k]) * keep[static_cast<size_t>(k)];
        x = sum;
      }
      float total = 0, squares = 0;
      for (int64_t k = 0; k < c; ++k) total += x[k];
      const float mean = total * over_c;
      for (int64_t k = 0; k < c; ++k) squares += (x[k] - mean) * (x[k] - mean);
      const float rstd = 1.0F / std::sqrt(squares * over_c + static_cast<float>(shape.epsilon));
      T* h = a.h + i * c;
      if (a.bias != nullptr)
        for (int64_t k = 0; k < c; ++k)
          h[k] = narrow<T>((x[k] - mean) * rstd * a.weight[k] + a.bias[k]);
      else
        for (int64_t k = 0; k < c; ++k) h[k] = narrow<T>((x[k] - mean) * rstd * a.weight[k]);
      if (a.mean != nullptr) {
        a.mean[i] = mean;
        a.rstd[i] = rstd;
      }
    }
  });
}

template <typename T>
void residual_norm_backward(NormShape shape, RowIds rows, Dropout dropout,
                            const NormBackward<T>& a) {
  const int64_t c = shape.c;
  const float over_c = 1.0F / static_cast<float>(c);
  at::parallel_for(0, c, kColumns,
                   [&](int64_t from, int64_t to) {  // before grad_y may overwrite grad_h
                     for (int64_t i = 0; i < shape.n; ++i) {
                       const T* grad = a.grad_h + i * c;
                       const float* x = a.x + i * c;
                       const float mean = a.mean[i], rstd = a.rstd[i];
                       for (int64_t k = from; k < to; ++k)
                         a.grad_weight[k] += widen(grad[k]) * (x[k] - mean) * rstd;
                       if (a.grad_bias != nullptr)
                         for (int64_t k = from; k < to; ++k) a.grad_bias[k] += widen(grad[k]);
                     }
                   });
  at::parallel_for(0, shape.n, kRows, [&](int64_t from, int64_t to) {
    std::vector<float> keep(static_cast<size_t>(padded_to_group(c)), 1.0F);
    for (int64_t i = from; i < to; ++i) {
      const T* grad = a.grad_h + i * c;
      const float* x = a.x + i * c;
      float* residual = a.residual + i * c;
      const float mean = a.mean[i], rstd = a.rstd[i];
      float sum = 0, dot = 0;
      for (int64_t k = 0; k < c; ++k) {
        const float g = widen(grad[k]) * a.weight[k];
        sum += g;
        dot += g * (x[k] - mean);
      }
      sum *= over_c;
      dot *= over_c * rstd * rstd;
      for (int64_t k = 0; k < c; ++k)
        residual[k] += rstd * (widen(grad[k]) * a.weight[k] - sum - (x[k] - mean) * dot);
      if (a.grad_y == nullptr) continue;
      if (dropout.active())
        dropout_multipliers(dropout, dropout.key(static_cast<uint64_t>(rows.keys[i])), c,
                            static_cast<uint32_t>(rows.positions[i]), 0, keep.data());
      T* y = a.grad_y + i * c;
      for (int64_t k = 0; k < c; ++k) y[k] = narrow<T>(residual[k] * keep[static_cast<size_t>(k)]);
    }
  });
}

template <typename T>
void add_column_sums(int64_t n, int64_t c, const T* a, float* sums) {
  at::parallel_for(0, c, kColumns, [&](int64_t from, int64_t to) {
    for (int64_t i = 0; i < n; ++i) {
      const T* row = a + i * c;
      for (int64_t k = from; k < to; ++k) sums[k] += widen(row[k]);
    }
  });
}

template <typename T>
double cross_entropy(int64_t r, int64_t v, T* logits, const int64_t* targets, float scale) {
  std::vector<double> losses(static_cast<size_t>(r));
  at::parallel_for(0, r, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      T* row = logits + i * v;
      const float top = row_max(row, v);
      double total = 0;
      constexpr int64_t kPiece = 4096;  // float sums of bounded length, added in double
      for (int64_t begin = 0; begin < v; begin += kPiece) {
        float part = 0;
        const int64_t end = std::min(v, begin + kPiece);
        for (int64_t k = begin; k < end; ++k) part += exp_fast(widen(row[k]) - top);
        total += part;
      }
      losses[static_cast<size_t>(i)] = std::log(total) + top - widen(row[targets[i]]);
      if (scale == 0) continue;
      const auto factor = static_cast<float>(scale / total);
      const float wanted = widen(row[targets[i]]);
      for (int64_t k = 0; k < v; ++k) row[k] = narrow<T>(exp_fast(widen(row[k]) - top) * factor);
      row[targets[i]] = narrow<T>(exp_fast(wanted - top) * factor - scale);
    }
  });
  double sum = 0;
  for (const double loss : losses) sum += loss;
  return sum;
}

double sum_of_squares(int64_t n, const float* a) {
  constexpr int64_t kPiece = 1 << 15;
  const int64_t pieces = (n + kPiece - 1) / kPiece;
  std::vector<double> parts(static_cast<size_t>(pieces));
  at::parallel_for(0, pieces, 4, [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p) {
      double part = 0;
      for (int64_t begin = p * kPiece, end = std::min(n, begin + kPiece); begin < end;
           begin += 256) {
        float block = 0;
        const int64_t stop = std::min(end, begin + 256);
        for (int64_t k = begin; k < stop; ++k) block += a[k] * a[k];
        part += block;
      }
      parts[static_cast<size_t>(p)] = part;
    }
  });
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

#define PRECIS_INSTANTIATE(T)                                                                  \
  template void residual_norm<T>(NormShape, RowIds, Dropout, const NormForward<T>&);           \
  template void residual_norm_backward<T>(NormShape, RowIds, Dropout, const NormBackward<T>&); \
  template void add_column_sums<T>(int64_t, int64_t, const T*, float*);                        \
  template double cross_entropy<T>(int64_t, int64_t, T*, const int64_t*, float);
PRECIS_INSTANTIATE(float)
PRECIS_INSTANTIATE(c10::BFloat16)
PRECIS_INSTANTIATE(c10::Half)
#undef PRECIS_INSTANTIATE

}  // namespace precis::cpu
