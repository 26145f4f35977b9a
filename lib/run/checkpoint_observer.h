// Checkpoints to go on from.
#pragma once

#include <cstdint>

#include "lib/run/training_parts.h"
#include "lib/train/train_loop.h"

namespace precis {

/// Saves last.pt, unless the weights are not finite.
class CheckpointObserver : public TrainObserver {
 public:
  CheckpointObserver(const TrainingParts& parts, int64_t start) : parts_(parts), saved_(start) {}
  Boundary reached(int64_t steps, Boundary boundary) override;

 private:
  bool is_fit_to_go_on(int64_t steps) const;

  TrainingParts parts_;
  int64_t saved_;  // steps done at the last save
};

}  // namespace precis
