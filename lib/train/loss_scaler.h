// Keeping the gradients of float16 within its range.
#pragma once

#include <cstdint>

namespace precis {

/// Dynamic loss scaling for float16, as torch's GradScaler: halved when a gradient is not finite
/// (that step is skipped), doubled after 2,000 good ones. Other dtypes: scale 1, and nothing
/// changes.
class LossScaler {
 public:
  explicit LossScaler(bool active) : scale_(active ? 65536.0 : 1.0), active_(active) {}
  double scale() const { return scale_; }
  int64_t good_steps() const { return good_steps_; }
  void restore(double scale, int64_t good_steps) {
    if (active_) scale_ = scale, good_steps_ = good_steps;
  }
  void update(bool finite);

 private:
  double scale_;
  bool active_;
  int64_t good_steps_ = 0;
};

}  // namespace precis
