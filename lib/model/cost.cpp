#include "lib/model/cost.h"

#include <algorithm>

namespace precis {

double training_operations(const ModelCost& cost, const StepCounts& step) {
  const auto n = static_cast<double>(step.tokens), m = static_cast<double>(step.target_tokens);
  const double length = n / static_cast<double>(std::max<int64_t>(1, step.samples));
  return 6 *
         (cost.weights_per_token * n + cost.weights_per_target * m + cost.attention * n * length);
}

int64_t state_bytes(int64_t num_parameters, int64_t num_trainable, int64_t element_size) {
  constexpr int64_t kFloat = sizeof(float);
  return num_parameters * (kFloat + (element_size < kFloat ? element_size : 0)) +
         num_trainable * 3 * kFloat;
}

int64_t activation_bytes(const ModelCost& cost, int64_t tokens) {
  return tokens * cost.token_bytes + cost.head_bytes;
}

int64_t tokens_within(const ModelCost& cost, int64_t bytes) {
  return std::max<int64_t>(0, bytes - cost.head_bytes) / cost.token_bytes;
}

}  // namespace precis
