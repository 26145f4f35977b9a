#include "lib/train/loss_scaler.h"

#include <algorithm>

namespace precis {

void LossScaler::update(Outcome outcome) {
  skipped_steps_ = outcome == Outcome::kTaken ? 0 : skipped_steps_ + 1;
  if (!active_) return;
  constexpr int64_t kGrowthInterval = 2000;
  if (outcome == Outcome::kNotFinite) {
    scale_ = std::max(scale_ / 2, 1.0);
    good_steps_ = 0;
  } else if (++good_steps_ == kGrowthInterval) {
    scale_ *= 2;
    good_steps_ = 0;
  }
}

}  // namespace precis
