#include "lib/ops/embedding_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "lib/ops/dropout_cpu.h"

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
    const auto add_rows = [&](const int64_t* row_of, float* sums) {
      for (int64_t i = 0; i < n; ++i) {
        float* row = sums + row_of[i] * c;
        const float* grad = grad_out + i * c;
        for (int64_t k = from; k < to; ++k) row[k] += grad[k];
      }
    };
    if (grad_wte != nullptr) add_rows(tokens, grad_wte);
    if (grad_wpe != nullptr) add_rows(rows.positions, grad_wpe);
  });
}

}  // namespace precis::cpu
