// Cross-entropy, on the CPU over raw memory. Arrays are row-major; T is float, c10::BFloat16 or
// c10::Half; what sums or flows along the residual stream is float32. Results do not depend on the
// number of threads.
#pragma once

#include <cstdint>

namespace precis::cpu {

/// Sum over rows of -log softmax(logits)[target]; the logits [R, V] become their gradient times
/// scale (scale 0: they stay). A row of a negative target has no loss, and gradient 0.
template <typename T>
double cross_entropy(int64_t r, int64_t v, T* logits, const int64_t* targets, float scale);

}  // namespace precis::cpu
