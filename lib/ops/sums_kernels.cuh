// Sums over the rows of an array, in two kernels, so that they come out the same each time: blocks
// add up some rows each, and then what the blocks have is added up.
#pragma once

#include "lib/ops/device.cuh"

namespace precis::kernels {

/// Blocks that share the rows of a sum out.
constexpr int64_t kSumBlocks = 256;

/// Blocks of rows: no more than there is work for.
constexpr int64_t sum_blocks(int64_t rows, int64_t rows_at_a_time) {
  const int64_t all = divide_up(rows, rows_at_a_time);
  return all < kSumBlocks ? all : kSumBlocks;
}

/// partial [blocks, C]: what each block of rows adds up to, of a [N, C]. A thread has a column;
/// blocks are numbered by rows first.
template <typename T>
struct PartialColumnSums {
  static constexpr int kThreads = 128;
  Span<const T> a;
  Span<float> partial;
  int64_t n, c, blocks;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const int64_t part = block.index() % blocks,
                  column = block.index() / blocks * kThreads + block.thread();
    if (column >= c) return;
    float sum = 0;
    for (int64_t row = part; row < n; row += blocks) sum += static_cast<float>(a[row * c + column]);
    partial[part * c + column] = sum;
  }
};

/// sums[k] [C] += the sums over blocks of partial [blocks, kSums, C]; one that is empty is not
/// wanted. A thread has a column; blocks are numbered by k last.
template <int kSums>
struct AddPartialSums {
  static constexpr int kThreads = 128;
  Span<const float> partial;
  Span<float> sums[kSums];
  int64_t blocks, c;

  static int64_t grid_blocks(int64_t channels) { return kSums * divide_up(channels, kThreads); }

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const int64_t across = (c + kThreads - 1) / kThreads, which = block.index() / across,
                  column = block.index() % across * kThreads + block.thread();
    if (column >= c || sums[which].empty()) return;
    float sum = 0;
    for (int64_t part = 0; part < blocks; ++part)
      sum += partial[(part * kSums + which) * c + column];
    sums[which][column] += sum;
  }
};

/// partial [blocks] float64: sums of squares, of x [n].
struct PartialSquares {
  static constexpr int kThreads = 256;
  Span<const float> x;
  Span<double> partial;
  int64_t blocks;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    constexpr int64_t kRun = 8;  // added up in float32, as GPUs have few units for float64
    const Span<double> sums = block.template shared<double>(0, kThreads);
    const int64_t threads = blocks * kThreads;
    double sum = 0;
    for (int64_t i = block.index() * kThreads + block.thread(); i < x.size; i += threads * kRun) {
      float some = 0;
      for (int64_t k = 0; k < kRun && i + k * threads < x.size; ++k)
        some += x[i + k * threads] * x[i + k * threads];
      sum += static_cast<double>(some);
    }
    sums[block.thread()] = sum;
    for (int half = kThreads / 2; half > 0; half /= 2) {
      block.sync();
      if (block.thread() < half) sums[block.thread()] += sums[block.thread() + half];
    }
    if (block.thread() == 0) partial[block.index()] = sums[0];
  }
};

}  // namespace precis::kernels
