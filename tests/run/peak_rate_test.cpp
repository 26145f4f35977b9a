#include "lib/run/peak_rate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace precis {
namespace {

constexpr double kOperations = 1e6;

/// Products that take as many milliseconds as the next number says, and the last one for ever.
struct Products {
  std::vector<int> milliseconds;
  size_t made = 0;
  double operator()() {
    const int ms = milliseconds[std::min(made++, milliseconds.size() - 1)];
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    return kOperations;
  }
};

double milliseconds_of(const PeakMeter& meter) {
  return kOperations / meter.best().flops * 1e3;
}

TEST(PeakMeter, TheBestOfAllCounts) {
  Products products{{120, 80, 120, 120, 5, 150}};
  PeakMeter meter([&] { return products(); });
  EXPECT_EQ(products.made, 4u);
  EXPECT_GE(milliseconds_of(meter), 80);
  EXPECT_LT(milliseconds_of(meter), 120);
  meter.worked(1000);
  EXPECT_EQ(products.made, 5u);
  EXPECT_LT(milliseconds_of(meter), 80);
  const double best = meter.best().flops;
  meter.worked(1000);
  EXPECT_EQ(products.made, 6u);
  EXPECT_EQ(meter.best().flops, best);
  EXPECT_NE(meter.best().words.find("measured"), std::string::npos);
}

TEST(PeakMeter, MeasuringTakesHalfAPercentAtMost) {
  Products products{{5}};
  PeakMeter meter([&] { return products(); });
  const auto began = std::chrono::steady_clock::now();
  constexpr int kSteps = 400;
  for (int i = 0; i < kSteps; ++i) meter.worked(0.1);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
  EXPECT_GT(products.made, 8u);
  EXPECT_LE(spent.count(), 0.005 * 0.1 * kSteps + 0.05);
}

TEST(PeakMeter, WhatIsPublishedIsNotMeasured) {
  PeakMeter meter(PeakRate{1e12, "1 TFLOP/s of a GPU"});
  meter.worked(1e6);
  EXPECT_EQ(meter.best().flops, 1e12);
  EXPECT_EQ(meter.best().words, "1 TFLOP/s of a GPU");
}

TEST(PeakMeter, OfACpuIsThatOfAProduct) {
  const PeakMeter meter = make_peak_meter(DeviceSetup{});
  EXPECT_GT(meter.best().flops, 1e8);
}

}  // namespace
}  // namespace precis
