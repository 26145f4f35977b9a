#include "lib/run/peak_rate.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <utility>

#include "lib/ops/linear.h"
#include "lib/train/tf32.h"

namespace precis {

PeakMeter::PeakMeter(std::function<double()> product) : product_(std::move(product)) {
  constexpr int kAtFirst = 4;  // the first of them also finds its memory
  for (int i = 0; i < kAtFirst; ++i) measure();
}

void PeakMeter::measure() {
  const auto began = std::chrono::steady_clock::now();
  const double operations = product_();
  last_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const double rate = operations / last_;
  if (rate > best_.flops) best_ = {rate, fmt::format("{:.0f} GFLOP/s measured", rate / 1e9)};
}

void PeakMeter::worked(double seconds) {
  constexpr double kShare = 0.005;
  worked_ += seconds;
  if (!product_ || spent_ + last_ > kShare * worked_) return;
  measure();
  spent_ += last_;
}

PeakMeter make_peak_meter(const DeviceSetup& setup) {
  struct Known {
    const char* name;
    double half,
        single;  // dense TFLOP/s: half types on tensor cores; float32 as TF32 where there is such
  };
  // Vendors' data sheets; without sparsity. T4: no TF32.
  constexpr std::array kKnown{
      Known{"H200", 989, 494},    Known{"H100 PCIe", 756, 378}, Known{"H100", 989, 494},
      Known{"A100", 312, 156},    Known{"A10G", 70, 35},        Known{"A10", 125, 62.5},
      Known{"L40S", 362, 183},    Known{"L4", 121, 60},         Known{"V100", 125, 15.7},
      Known{"P100", 18.7, 9.3},   Known{"T4", 65, 8.1},         Known{"RTX 4090", 165, 82.6},
      Known{"RTX 3090", 71, 35.6}};
  const bool is_known_rate = setup.dtype != at::kFloat || setup.tf32;
  for (const Known& gpu : kKnown) {
    if (!setup.device.is_cuda() || !is_known_rate ||
        setup.device_name.find(gpu.name) == std::string::npos)
      continue;
    const double tera = setup.dtype == at::kFloat ? gpu.single : gpu.half;
    return PeakMeter(PeakRate{tera * 1e12, fmt::format("{} TFLOP/s of an {}", tera, gpu.name)});
  }
  const int64_t n = setup.device.is_cuda() ? 4096 : 768;
  const auto options = at::TensorOptions(setup.device).dtype(setup.dtype);
  const at::Tensor a = at::ones({n, n}, options), c = at::empty({n, n}, options);
  return PeakMeter([a, c, n, allowed = setup.tf32] {
    const Tf32Scope tf32(allowed);
    ops::linear(a, a, {}, c);
    c.select(0, 0).select(0, 0).item<float>();  // waits for the device
    return 2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
  });
}

}  // namespace precis
