// What MFU is measured against.
#pragma once

#include <string>

#include "lib/run/device_setup.h"

namespace precis {

/// How fast the device is: floating-point operations a second, and in words what the number is.
struct PeakRate {
  double flops = 0;
  std::string words;
};
/// The published dense rate of a known GPU, else that of a large matrix product, measured in a
/// fraction of a second.
PeakRate peak_rate(const DeviceSetup& setup);

}  // namespace precis
