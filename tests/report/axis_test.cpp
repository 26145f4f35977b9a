#include "lib/report/axis.h"

#include <gtest/gtest.h>

namespace precis {
namespace {

std::vector<std::string> texts(const Axis& axis) {
  std::vector<std::string> result;
  for (const double tick : axis.ticks) result.push_back(tick_text(axis, tick));
  return result;
}

using Texts = std::vector<std::string>;

TEST(Axis, RoundNumbers) {
  EXPECT_EQ(texts(linear_axis(1.71, 3.45, 5)), (Texts{"1.5", "2.0", "2.5", "3.0", "3.5"}));
  EXPECT_EQ(texts(linear_axis(0, 6e-5, 5)), (Texts{"0", "2e-5", "4e-5", "6e-5"}));
  EXPECT_EQ(texts(linear_axis(0, 108000, 5)), (Texts{"0", "50k", "100k", "150k"}));
  EXPECT_EQ(texts(linear_axis(-3, 3, 3)), (Texts{"-4", "-2", "0", "2", "4"}));
}

TEST(Axis, AFlatCurveHasAHeight) {
  for (const double value : {0.0, 5.0, -5.0, 1e-9, 1e15}) {
    const Axis axis = linear_axis(value, value, 5);
    EXPECT_LE(axis.low, value);
    EXPECT_GE(axis.high, value);
    EXPECT_GT(axis.high, axis.low);
    EXPECT_GE(axis.ticks.size(), 2U);
    EXPECT_LE(axis.ticks.size(), 12U);
  }
}

TEST(Axis, IterationsKeepTheirEndsAndAreWhole) {
  const Axis axis = iteration_axis(3, 497, 5);
  EXPECT_EQ(axis.place(3), 0);
  EXPECT_EQ(axis.place(497), 1);
  EXPECT_EQ(axis.ticks, (std::vector<double>{100, 200, 300, 400}));
  EXPECT_EQ(iteration_axis(0, 2, 5).ticks, (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(iteration_axis(7, 7, 5).place(7), 0);
}

TEST(Axis, PowersOfTen) {
  const Axis axis = logarithmic_axis(0.5, 2e4);
  EXPECT_NEAR(axis.low, 0.1, 1e-12);
  EXPECT_NEAR(axis.high, 1e5, 1e-6);
  EXPECT_NEAR(axis.place(100), 0.5, 1e-12);
  EXPECT_EQ(texts(axis), (Texts{"0.1", "10", "1,000", "100k"}));
  EXPECT_LE(logarithmic_axis(1e-30, 1e30).ticks.size(), 7U);
}

}  // namespace
}  // namespace precis
