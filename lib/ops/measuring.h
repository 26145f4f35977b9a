// Whether products of a GPU may be measured (product_plans.h).
#pragma once

namespace precis::ops {

/// As long as it lives, this thread measures the algorithms of each product that it has not
/// measured yet, if that is wanted, and takes the fastest from then on; as torch's guards do.
class MeasuringGuard {
 public:
  explicit MeasuringGuard(bool wanted);
  MeasuringGuard(const MeasuringGuard&) = delete;
  MeasuringGuard& operator=(const MeasuringGuard&) = delete;
  ~MeasuringGuard();

 private:
  bool before_;
};

bool is_measuring();

}  // namespace precis::ops
