#include "lib/train/lr_schedule.h"

#include <cmath>
#include <numbers>

namespace precis {

double learning_rate(const TrainConfig& config, int64_t iteration) {
  if (!config.decay_lr) return config.learning_rate;
  const auto it = static_cast<double>(iteration), warm = static_cast<double>(config.warmup_iters);
  const auto end = static_cast<double>(config.lr_decay_iters.value_or(config.max_iters));
  if (it < warm) return config.learning_rate * (it + 1) / (warm + 1);
  if (it > end) return config.min_lr;
  const double ratio = end > warm ? (it - warm) / (end - warm) : 1.0;
  return config.min_lr +
         0.5 * (1 + std::cos(std::numbers::pi * ratio)) * (config.learning_rate - config.min_lr);
}

}  // namespace precis
