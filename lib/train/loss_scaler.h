// Keeping the gradients of float16 within its range, and count of the steps that were not taken.
#pragma once

#include <cstdint>

namespace precis {

/// Dynamic loss scaling for float16, as torch's GradScaler: halved when a gradient is not finite
/// (that step is skipped), doubled after 2,000 good ones. Other dtypes: scale 1, and it stays so.
class LossScaler {
 public:
  /// What became of a step.
  enum class Outcome {
    kTaken,
    kNotFinite,  ///< skipped: the loss or the gradient is no number
    kOutlier     ///< skipped: the gradient is too large
  };

  explicit LossScaler(bool active) : scale_(active ? 65536.0 : 1.0), active_(active) {}
  double scale() const { return scale_; }
  int64_t good_steps() const { return good_steps_; }
  /// How many steps in a row were skipped by now.
  int64_t skipped_steps() const { return skipped_steps_; }
  void restore(double scale, int64_t good_steps, int64_t skipped_steps) {
    skipped_steps_ = skipped_steps;
    if (active_ && scale > 0) scale_ = scale, good_steps_ = good_steps;
  }
  void update(Outcome outcome);

 private:
  double scale_;
  bool active_;
  int64_t good_steps_ = 0, skipped_steps_ = 0;
};

}  // namespace precis
