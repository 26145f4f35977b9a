// Settings of training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/fields.h"

namespace precis {

struct TrainConfig {
  int64_t max_iters = 500;
  int64_t global_batch_size = 512;
  AutoCount micro_batch_tokens;
  double learning_rate = 6e-5, min_lr = 6e-6;
  int64_t warmup_iters = 0;
  std::optional<int64_t> lr_decay_iters;
  bool decay_lr = true;
  double weight_decay = 0.01, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, grad_clip = 1.0;
  double skip_grad_norm_above = 0;
  int64_t max_skipped_steps = 20;
  std::string dtype = "auto";
  bool tf32 = true, measure_products = true, cuda_graphs = true;
  Fields fields();
};

}  // namespace precis
