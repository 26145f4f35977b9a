// The learning rate of an iteration.
#pragma once

#include <cstdint>

#include "lib/train/train_config.h"

namespace precis {

/// nanoGPT's get_lr: linear warm-up, cosine to min_lr at lr_decay_iters (default: max_iters),
/// min_lr from there on.
double learning_rate(const TrainConfig& config, int64_t iteration);

}  // namespace precis
