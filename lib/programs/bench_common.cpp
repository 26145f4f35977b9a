#include "lib/programs/bench_common.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/random.h"

namespace precis {
namespace {

constexpr int64_t kPositions = 1024;

}  // namespace

double seconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double median(std::vector<double> seconds) {
  const auto middle = seconds.begin() + static_cast<int64_t>(seconds.size() / 2);
  std::ranges::nth_element(seconds, middle);
  return *middle;
}

double median_seconds(int64_t repeats, const std::function<void()>& work) {
  work();
  std::vector<double> seconds;
  for (int64_t i = 0; i < repeats; ++i) seconds.push_back(seconds_of(work));
  return median(std::move(seconds));
}

AnyShape shape_of(const BenchSettings& s) {
  return known_families().front()->from_settings(s.model, kPositions, s.vocab_size);
}

std::vector<std::vector<int32_t>> made_up_samples(const BenchSettings& s) {
  RandomStream random(1);
  std::vector<std::vector<int32_t>> samples(static_cast<size_t>(s.samples));
  for (auto& sample : samples) {
    const auto length =
        static_cast<int64_t>(static_cast<double>(s.mean_tokens) * (0.5 + random.uniform()));
    for (int64_t t = 0; t < std::clamp<int64_t>(length, s.target_tokens + 8, 1000); ++t)
      sample.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(s.vocab_size))));
  }
  return samples;
}

void synchronize(at::Device device) {
  if (!device.is_cpu())
    c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

}  // namespace precis
