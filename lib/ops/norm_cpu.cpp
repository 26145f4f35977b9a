#include "lib/ops/norm_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/ops/dropout_cpu.h"
#include "lib/ops/vector_math.h"

namespace precis::cpu {
namespace {

constexpr int64_t kRows = 16;   // rows of work a thread takes at least
constexpr int64_t kChunk = 64;  // rows whose sums are made together, whichever thread does it

}  // namespace

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

namespace {

/// What the rows of a chunk add to the gradients that are sums over rows: [C] each.
struct ColumnSums {
  float *weight, *bias, *y;  // null: not wanted
};

/// Rows [from, to) of backward; `keep`: room for a row of multipliers, all 1.
template <typename T>
void backward_rows(NormShape shape, RowIds rows, Dropout dropout, const NormBackward<T>& a,
                   int64_t from, int64_t to, float* keep, const ColumnSums& sums) {
  const int64_t c = shape.c;
  const float over_c = 1.0F / static_cast<float>(c);
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
    if (sums.weight != nullptr)
      for (int64_t k = 0; k < c; ++k) sums.weight[k] += widen(grad[k]) * (x[k] - mean) * rstd;
    if (sums.bias != nullptr)
      for (int64_t k = 0; k < c; ++k) sums.bias[k] += widen(grad[k]);
    sum *= over_c;
    dot *= over_c * rstd * rstd;
    for (int64_t k = 0; k < c; ++k)
      residual[k] += rstd * (widen(grad[k]) * a.weight[k] - sum - (x[k] - mean) * dot);
    if (a.grad_y == nullptr) continue;
    if (dropout.active())
      dropout_multipliers(dropout, dropout.key(static_cast<uint64_t>(rows.keys[i])), c,
                          static_cast<uint32_t>(rows.positions[i]), 0, keep);
    T* y = a.grad_y + i * c;
    for (int64_t k = 0; k < c; ++k) y[k] = narrow<T>(residual[k] * keep[k]);
    if (sums.y != nullptr)
      for (int64_t k = 0; k < c; ++k) sums.y[k] += widen(y[k]);
  }
}

}  // namespace

template <typename T>
void residual_norm_backward(NormShape shape, RowIds rows, Dropout dropout,
                            const NormBackward<T>& a) {
  const int64_t c = shape.c, chunks = (shape.n + kChunk - 1) / kChunk;
  float* const totals[] = {a.grad_weight, a.grad_bias, a.grad_y_sums};
  std::vector<float> parts(static_cast<size_t>(chunks * 3 * c));
  at::parallel_for(0, chunks, 1, [&](int64_t first, int64_t last) {
    std::vector<float> keep(static_cast<size_t>(padded_to_group(c)), 1.0F);
    for (int64_t chunk = first; chunk < last; ++chunk) {
      float* part = parts.data() + chunk * 3 * c;
      const auto wanted = [&](int64_t i) { return totals[i] == nullptr ? nullptr : part + i * c; };
      backward_rows(shape, rows, dropout, a, chunk * kChunk,
                    std::min(shape.n, (chunk + 1) * kChunk), keep.data(),
                    {wanted(0), wanted(1), wanted(2)});
    }
  });
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t chunk = 0; totals[i] != nullptr && chunk < chunks; ++chunk) {
      const float* part = parts.data() + (chunk * 3 + i) * c;
      for (int64_t k = 0; k < c; ++k) totals[i][k] += part[k];
    }
}

#define PRECIS_INSTANTIATE(T)                                                        \
  template void residual_norm<T>(NormShape, RowIds, Dropout, const NormForward<T>&); \
  template void residual_norm_backward<T>(NormShape, RowIds, Dropout, const NormBackward<T>&);
PRECIS_INSTANTIATE(float)
PRECIS_INSTANTIATE(c10::BFloat16)
PRECIS_INSTANTIATE(c10::Half)
#undef PRECIS_INSTANTIATE

}  // namespace precis::cpu
