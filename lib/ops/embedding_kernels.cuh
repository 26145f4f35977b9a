// The sum of both embeddings with dropout, and the gradient's way back into them.
#pragma once

#include "lib/ops/dropout_kernels.cuh"

namespace precis::kernels {

/// A thread has one Philox block of a row.
struct EmbeddingShape {
  static constexpr int kThreads = 256;
  int64_t n, c;

  constexpr int64_t blocks_a_row() const { return (c + kDropoutGroup - 1) / kDropoutGroup * 8; }
};

/// out [N, C] = drop(wte[tokens] + wpe[positions]).
struct Embed : EmbeddingShape {
  Span<const int64_t> tokens, positions;
  Span<const float> wte, wpe;
  Span<float> out;
  RowNames names;
  Dropout dropout;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const int64_t index = block.index() * kThreads + block.thread();
    const int64_t row = index / blocks_a_row(), p = index % blocks_a_row();
    if (row >= n) return;
    float keep[kPerPhilox];
    names.multipliers(dropout, row, p, keep);
    PRECIS_UNROLL
    for (int k = 0; k < kPerPhilox; ++k) {
      const int64_t column = column_of(p, k);
      if (column < c)
        out[row * c + column] =
            (wte[tokens[row] * c + column] + wpe[positions[row] * c + column]) * keep[k];
    }
  }
};

/// grad_wte[tokens] and grad_wpe[positions] += drop'(grad_out); each may be empty. The sums of rows
/// with the same token come out in no fixed order.
struct EmbedBackward : EmbeddingShape {
  Span<const int64_t> tokens, positions;
  Span<const float> grad_out;
  Span<float> grad_wte, grad_wpe;
  RowNames names;
  Dropout dropout;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const int64_t index = block.index() * kThreads + block.thread();
    const int64_t row = index / blocks_a_row(), p = index % blocks_a_row();
    if (row >= n) return;
    float keep[kPerPhilox];
    names.multipliers(dropout, row, p, keep);
    PRECIS_UNROLL
    for (int k = 0; k < kPerPhilox; ++k) {
      const int64_t column = column_of(p, k);
      if (column >= c) continue;
      const float gradient = grad_out[row * c + column] * keep[k];
      if (!grad_wte.empty()) block.atomic_add(grad_wte[tokens[row] * c + column], gradient);
      if (!grad_wpe.empty()) block.atomic_add(grad_wpe[positions[row] * c + column], gradient);
    }
  }
};

}  // namespace precis::kernels
