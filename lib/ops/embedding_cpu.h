// Token and position embeddings, on the CPU over raw memory. Arrays are row-major; T is float,
// c10::BFloat16 or c10::Half; what sums or flows along the residual stream is float32. Results do
// not depend on the number of threads.
#pragma once

#include <cstdint>

#include "lib/ops/dropout.h"
#include "lib/ops/rows_cpu.h"

namespace precis::cpu {

/// Token and position embeddings, then dropout: out[n] = drop(wte[tokens[n]] + wpe[positions[n]]);
/// [N, C].
void embed(int64_t n, int64_t c, const int64_t* tokens, RowIds rows, const float* wte,
           const float* wpe, Dropout dropout, float* out);
/// Adds the gradient of embed's output to grad_wte [V, C] and grad_wpe [P, C]. Threads share the
/// columns: no races, one order of sums. A null gradient is not wanted.
void embed_backward(int64_t n, int64_t c, const int64_t* tokens, RowIds rows, const float* grad_out,
                    Dropout dropout, float* grad_wte, float* grad_wpe);

}  // namespace precis::cpu
