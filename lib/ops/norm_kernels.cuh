// Residual sum with dropout and layer norm in one kernel, forward and backward. Some warps share a
// row, so that what a lane has of it stays in registers.
#pragma once

#include "lib/ops/dropout_kernels.cuh"

namespace precis::kernels {

/// How a row of C channels lies over kWarps warps: a lane has kMost Philox blocks of it at most.
template <int kWarps>
struct NormRow {
  static constexpr int kMost = 2, kThreads = 128, kRows = kThreads / (kWarp * kWarps);
  static constexpr int64_t kChannels = int64_t{kMost} * kPerPhilox * kWarp * kWarps;
  int64_t c;

  /// Rows of the block that come before this warp's.
  template <class Block>
  static PRECIS_DEVICE int place(const Block& block) {
    return block.warp() / kWarps;
  }
  template <class Block>
  static PRECIS_DEVICE int64_t philox_block(const Block& block, int i) {
    return (int64_t{i} * kWarps + block.warp() % kWarps) * kWarp + block.lane();
  }
  /// work(i, k, column) for each element of the row that is this lane's.
  template <class Block, class Work>
  PRECIS_DEVICE void for_each(const Block& block, const Work& work) const {
    PRECIS_UNROLL
    for (int i = 0; i < kMost; ++i) PRECIS_UNROLL
    for (int k = 0; k < kPerPhilox; ++k) {
      const int64_t column = column_of(philox_block(block, i), k);
      if (column < c) work(i, k, column);
    }
  }
  /// The sum over the row; all threads of the block call it.
  template <class Block>
  static PRECIS_DEVICE float sum(const Block& block, float x) {
    x = warp_sum(block, x);
    if (kWarps == 1) return x;
    const Span<float> sums = block.template shared<float>(0, kThreads / kWarp);
    block.sync();  // the sum before has been read
    if (block.lane() == 0) sums[block.warp()] = x;
    block.sync();
    float total = 0;
    for (int w = 0; w < kWarps; ++w) total += sums[place(block) * kWarps + w];
    return total;
  }
};

/// x_out = x_in + drop(y) (y empty: x_out is x_in); h = norm(x_out).
template <typename T, int kWarps>
struct ResidualNorm {
  using Row = NormRow<kWarps>;
  static constexpr int kThreads = Row::kThreads;
  Span<const float> x_in;
  Span<const T> y;
  Span<const float> weight, bias;
  Span<float> x_out;
  Span<T> h;
  Span<float> mean, rstd;
  RowNames names;
  Dropout dropout;
  int64_t n, c;
  float epsilon;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const int64_t row = block.index() * Row::kRows + Row::place(block);
    const bool live = row < n;  // the others go along, as sums are of the whole block
    const Row lanes{live ? c : 0};
    float x[Row::kMost][kPerPhilox] = {};
    if (live) add(block, row, x);
    float total = 0, squares = 0;
    lanes.for_each(block, [&](int i, int k, int64_t) { total += x[i][k]; });
    const float average = Row::sum(block, total) / static_cast<float>(c);
    lanes.for_each(block, [&](int i, int k, int64_t) {
      squares += (x[i][k] - average) * (x[i][k] - average);
    });
    const float scale = 1.0F / sqrtf(Row::sum(block, squares) / static_cast<float>(c) + epsilon);
    lanes.for_each(block, [&](int i, int k, int64_t column) {
      const float shift = bias.empty() ? 0 : bias[column];
      h[row * c + column] = static_cast<T>((x[i][k] - average) * scale * weight[column] + shift);
    });
    if (live && !mean.empty() && block.lane() == 0 && block.warp() % kWarps == 0) {
      mean[row] = average;
      rstd[row] = scale;
    }
  }

 private:
  template <class Block>
  PRECIS_DEVICE void add(const Block& block, int64_t row,
                         float (&x)[Row::kMost][kPerPhilox]) const {
    PRECIS_UNROLL
    for (int i = 0; i < Row::kMost; ++i) {
      const int64_t p = Row::philox_block(block, i);
      if (column_of(p, 0) >= c) continue;
      float keep[kPerPhilox];
      if (!y.empty()) names.multipliers(dropout, row, p, keep);
      PRECIS_UNROLL
      for (int k = 0; k < kPerPhilox; ++k) {
        const int64_t column = column_of(p, k), at = row * c + column;
        if (column >= c) continue;
        x[i][k] = x_in[at];
        if (y.empty()) continue;
        x[i][k] += static_cast<float>(y[at]) * keep[k];
        x_out[at] = x[i][k];
      }
    }
  }
};

/// residual += gradient of h through the norm; grad_y = drop'(residual) (empty: not wanted). Blocks
/// go over the rows together, and leave in partial [blocks, 3, C] what their rows add to the
/// gradients of weight and bias, and the sums of grad_y.
template <typename T, int kWarps>
struct ResidualNormBackward {
  using Row = NormRow<kWarps>;
  static constexpr int kThreads = Row::kThreads, kSums = 3;
  // Of these nvcc aims at three on sm_75, and spills.
  static constexpr int kBlocksPerSm = sizeof(T) == 4 && kWarps == 1 ? 2 : 0;
  Span<const T> grad_h;
  Span<const float> x, mean, rstd, weight;
  Span<float> residual;
  Span<T> grad_y;
  Span<float> partial;
  RowNames names;
  Dropout dropout;
  int64_t n, c, blocks;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    float sums[kSums][Row::kMost][kPerPhilox] = {};
    const int64_t step = blocks * Row::kRows;
    for (int64_t first = block.index() * Row::kRows; first < n; first += step)
      add_row(block, first + Row::place(block), sums);
    // The block's rows, one warp's share after the other, in the same order each time.
    const Span<float> total = block.template shared<float>(
        kThreads / kWarp * static_cast<int>(sizeof(float)), static_cast<int>(kSums * c));
    for (int place = 0; place < Row::kRows; ++place) {
      if (Row::place(block) == place)
        Row{c}.for_each(block, [&](int i, int k, int64_t column) {
          PRECIS_UNROLL
          for (int s = 0; s < kSums; ++s) {
            const float before = place == 0 ? 0 : total[s * c + column];
            total[s * c + column] = before + sums[s][i][k];
          }
        });
      block.sync();
    }
    for (int64_t at = block.thread(); at < kSums * c; at += kThreads)
      partial[block.index() * kSums * c + at] = total[at];
  }

 private:
  template <class Block>
  PRECIS_DEVICE void add_row(const Block& block, int64_t row,
                             float (&sums)[kSums][Row::kMost][kPerPhilox]) const {
    const bool live = row < n;
    const Row lanes{live ? c : 0};
    const float average = live ? mean[row] : 0, scale = live ? rstd[row] : 0;
    float g[Row::kMost][kPerPhilox], normed[Row::kMost][kPerPhilox];
    float total = 0, along = 0;
    lanes.for_each(block, [&](int i, int k, int64_t column) {
      const float gradient = static_cast<float>(grad_h[row * c + column]);
      normed[i][k] = (x[row * c + column] - average) * scale;
      g[i][k] = gradient * weight[column];
      total += g[i][k];
      along += g[i][k] * normed[i][k];
      sums[0][i][k] += gradient * normed[i][k];
      sums[1][i][k] += gradient;
    });
    total = Row::sum(block, total) / static_cast<float>(c);
    along = Row::sum(block, along) / static_cast<float>(c);
    lanes.for_each(block, [&](int i, int k, int64_t column) {
      g[i][k] = residual[row * c + column] + scale * (g[i][k] - total - normed[i][k] * along);
      residual[row * c + column] = g[i][k];
    });
    if (live && !grad_y.empty()) write_branch(block, row, g, sums[2]);
  }

  template <class Block>
  PRECIS_DEVICE void write_branch(const Block& block, int64_t row,
                                  const float (&g)[Row::kMost][kPerPhilox],
                                  float (&sums)[Row::kMost][kPerPhilox]) const {
    PRECIS_UNROLL
    for (int i = 0; i < Row::kMost; ++i) {
      const int64_t p = Row::philox_block(block, i);
      if (column_of(p, 0) >= c) continue;
      float keep[kPerPhilox];
      names.multipliers(dropout, row, p, keep);
      PRECIS_UNROLL
      for (int k = 0; k < kPerPhilox; ++k) {
        const int64_t column = column_of(p, k);
        if (column >= c) continue;
        const T written = static_cast<T>(g[i][k] * keep[k]);
        grad_y[row * c + column] = written;
        sums[i][k] += static_cast<float>(written);  // what the products see
      }
    }
  }
};

}  // namespace precis::kernels
