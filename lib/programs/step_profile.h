// What `bench step` says of the steps it runs on a CPU: where their time goes, and how near they
// come to the rate of their own matrix products.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "lib/base/cpu_use.h"
#include "lib/base/profile.h"
#include "lib/comm/world.h"
#include "lib/run/device_setup.h"

namespace precis {

/// How fast products of some forms are, alone: each form's best time of several.
class ProductRates {
 public:
  explicit ProductRates(at::ScalarType type) : type_(type) {}
  /// Times each of the forms twice more.
  void measure(const std::map<ProductForm, int64_t>& products);
  /// Operations a second where each form is made as often as `products` says; all were measured.
  double rate(const std::map<ProductForm, int64_t>& products) const;

 private:
  at::ScalarType type_;
  std::map<ProductForm, double> seconds_;
};

/// Steps of all ranks, each beside a measurement of their products, since the rates of a machine
/// that others share drift.
class StepProfile {
 public:
  StepProfile(const World& world, const DeviceSetup& setup);

  /// Collective. One step; returns this rank's seconds. Where the fastest one's went is kept.
  double run(const std::function<void()>& step);
  /// Collective. The parts of the fastest step, as means over ranks, and its share of the rate that
  /// products of its shapes reach; `operations`: of a step, all ranks together.
  nlohmann::ordered_json result(double operations) const;

 private:
  nlohmann::ordered_json parts() const;

  const World& world_;
  ProductRates rates_;
  std::chrono::steady_clock::time_point began_;
  CpuUse before_;
  Profile fastest_;
  double fastest_seconds_ = 0;  // mean over ranks; 0: none yet
};

}  // namespace precis
