#include "lib/programs/step_profile.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <utility>

#include "lib/ops/linear.h"
#include "lib/programs/bench_common.h"

namespace precis {
namespace {

using Json = nlohmann::ordered_json;

/// Others may have this share of the cores on a quiet machine: the system itself takes some.
constexpr double kQuiet = 0.02;

/// Arrays of a product's size. What earlier products left there is used again: the pages of new
/// memory would be timed as well. Random numbers, as zeros are multiplied faster on CPUs whose
/// clock goes by their power.
class Arrays {
 public:
  explicit Arrays(at::ScalarType type) : type_(type) {}
  void make(const ProductForm& form) {
    const auto& [kind, rows, in, out] = form;
    switch (kind) {
      case ProductKind::kForward:
        return ops::linear(take(0, rows, in, type_), take(1, out, in, type_), {},
                           take(2, rows, out, type_));
      case ProductKind::kInputGradient:
        return ops::linear_backward(take(0, rows, out, type_), {}, take(1, out, in, type_), {},
                                    take(2, rows, in, type_));
      case ProductKind::kWeightGradient:
        return ops::linear_backward(take(0, rows, out, type_), take(1, rows, in, type_), {},
                                    take(3, out, in, at::kFloat), {});
    }
  }

 private:
  static constexpr int64_t kRandom = 1 << 16;  // different numbers

  at::Tensor take(size_t which, int64_t rows, int64_t columns, at::ScalarType type) {
    at::Tensor& all = memory_[which];
    const int64_t numel = rows * columns;
    if (!all.defined() || all.numel() < numel)
      all = at::randn({kRandom}, type).repeat({(numel + kRandom - 1) / kRandom});
    return all.narrow(0, 0, numel).view({rows, columns});
  }

  at::ScalarType type_;
  std::array<at::Tensor, 4> memory_;
};

double operations_of(const std::map<ProductForm, int64_t>& products) {
  double sum = 0;
  for (const auto& [form, times] : products) sum += form.operations() * static_cast<double>(times);
  return sum;
}

double rounded(double x, int digits) {
  const double unit = std::pow(10.0, digits);
  return std::round(x * unit) / unit;
}

}  // namespace

void ProductRates::measure(const std::map<ProductForm, int64_t>& products) {
  Arrays arrays(type_);
  for (const auto& [form, times] : products)
    for (int i = 0; i < 2; ++i) {
      const double seconds = seconds_of([&] { arrays.make(form); });
      const auto [known, is_new] = seconds_.try_emplace(form, seconds);
      known->second = std::min(known->second, seconds);
    }
}

double ProductRates::rate(const std::map<ProductForm, int64_t>& products) const {
  double seconds = 0;
  for (const auto& [form, times] : products)
    seconds += seconds_.at(form) * static_cast<double>(times);
  return seconds > 0 ? operations_of(products) / seconds : 0;
}

StepProfile::StepProfile(const World& world, const DeviceSetup& setup)
    : world_(world),
      rates_(setup.dtype),
      began_(std::chrono::steady_clock::now()),
      before_(cpu_use()) {}

double StepProfile::run(const std::function<void()>& step) {
  Profile profile;
  world_.barrier();
  const double seconds = seconds_of([&] {
    const ProfileGuard guard(profile);
    step();
  });
  double mean[] = {seconds};
  world_.sum(mean);
  mean[0] /= world_.size();
  rates_.measure(profile.products());
  if (fastest_seconds_ == 0 || mean[0] < fastest_seconds_) {
    fastest_ = std::move(profile);
    fastest_seconds_ = mean[0];
  }
  return seconds;
}

/// Means over ranks.
Json StepProfile::parts() const {
  std::array<double, kNumParts + 1> seconds{};
  double& other = seconds.back() = fastest_seconds_;
  for (size_t i = 0; i < kNumParts; ++i) {
    seconds[i] = fastest_.seconds(static_cast<Part>(i));
    other -= seconds[i];
  }
  world_.sum(seconds);
  Json parts = Json::object();
  for (size_t i = 0; i < seconds.size(); ++i) {
    const double mean = seconds[i] / world_.size();
    parts[i < kNumParts ? std::string(name_of(static_cast<Part>(i))) : "other"] = {
        {"ms", rounded(mean * 1e3, 2)}, {"share", rounded(mean / fastest_seconds_, 4)}};
  }
  return parts;
}

Json StepProfile::result(double operations) const {
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  const CpuUse now = cpu_use();
  const bool counts_node = world_.local_rank() == 0;
  double sums[] = {counts_node ? now.machine - before_.machine : 0, now.own - before_.own,
                   counts_node ? wall * std::thread::hardware_concurrency() : 0,
                   rates_.rate(fastest_.products()), fastest_.beside_seconds()};
  world_.sum(sums);
  const auto [machine, own, cores, rate, beside] = sums;
  const double others = cores > 0 ? std::max(0.0, machine - own) / cores : 0,
               reached = operations / fastest_seconds_;
  Json result{{"fastest_ms", rounded(fastest_seconds_ * 1e3, 2)},
              {"parts", parts()},
              {"communication_cpu_ms", rounded(beside / world_.size() * 1e3, 2)},
              {"gflop_per_s", rounded(reached * 1e-9, 1)},
              {"products_gflop_per_s", rounded(rate * 1e-9, 1)}};
  if (rate > 0) result["share_of_products"] = rounded(reached / rate, 3);
  result["quiet"] = others < kQuiet;
  result["others_cpu_share"] = rounded(others, 3);
  return result;
}

}  // namespace precis
