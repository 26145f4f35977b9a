// What the benchmarks of models share.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "lib/model/families.h"
#include "lib/programs/bench.h"

namespace precis {

constexpr double kBenchDropout = 0.1;

/// Wall seconds of one run.
double seconds_of(const std::function<void()>& work);
/// The middle one; `seconds` is not empty.
double median(std::vector<double> seconds);
/// Median wall seconds of some runs after one to warm up.
double median_seconds(int64_t repeats, const std::function<void()>& work);

AnyShape shape_of(const BenchSettings& settings);

/// Samples of made-up tokens whose lengths spread around the mean as those of dialogues do.
std::vector<std::vector<int32_t>> made_up_samples(const BenchSettings& settings);

/// Waits until the device has done what it was given; a CPU has.
void synchronize(at::Device device);

}  // namespace precis
