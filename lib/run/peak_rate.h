// What MFU is measured against.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "lib/run/device_setup.h"

namespace precis {

/// How fast the device is: floating-point operations a second, and in words what the number is.
struct PeakRate {
  double flops = 0;
  std::string words;
};

/// The best rate known so far. One that is measured is measured again while the program works, as
/// that of a machine which others share drifts.
class PeakMeter {
 public:
  explicit PeakMeter(PeakRate published) : best_(std::move(published)) {}
  /// `product`: makes one and returns its operations; called some times at once.
  explicit PeakMeter(std::function<double()> product);

  /// So many seconds more were worked. Measures again where that, with all such before, takes at
  /// most 0.5 % of what was worked.
  void worked(double seconds);
  const PeakRate& best() const { return best_; }

 private:
  void measure();

  PeakRate best_;
  std::function<double()> product_;  // empty: the rate is published
  double worked_ = 0, spent_ = 0;    // seconds; spent_: on measuring again
  double last_ = 0;                  // seconds of the last measurement
};

/// Of the published dense rate of a known GPU, else of a large matrix product.
PeakMeter make_peak_meter(const DeviceSetup& setup);

}  // namespace precis
