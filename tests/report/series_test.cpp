#include "lib/report/series.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace precis {
namespace {

TEST(Series, CurvesAreSortedAndTheLastRecordOfAnIterationCounts) {
  const std::vector<Record> records = {{{"kind", "train"}, {"iter", 2}, {"loss", 3.0}},
                                       {{"kind", "train"}, {"iter", 1}, {"loss", 4.0}},
                                       {{"kind", "eval"}, {"iter", 1}, {"loss", 9.0}},
                                       {{"kind", "train"}, {"iter", 2}, {"loss", 2.0}},
                                       {{"kind", "train"}, {"loss", 2.0}},
                                       {{"kind", "train"}, {"iter", 3}}};
  EXPECT_EQ(curve_of(records, "train", "loss"), (Curve{{1, 4.0}, {2, 2.0}}));
}

TEST(Series, NullIsAGapInTrainingAndNothingInAnEvaluation) {
  const std::vector<Record> records = {{{"kind", "train"}, {"iter", 0}, {"y", nullptr}},
                                       {{"kind", "train"}, {"iter", 1}, {"y", HUGE_VAL}},
                                       {{"kind", "eval"}, {"iter", 0}, {"y", nullptr}}};
  const Curve train = curve_of(records, "train", "y");
  ASSERT_EQ(train.size(), 2U);
  EXPECT_TRUE(std::isnan(train[0].y) && std::isnan(train[1].y));
  EXPECT_EQ(count_not_finite(train), 2U);
  EXPECT_TRUE(curve_of(records, "eval", "y").empty());
}

TEST(Series, SmoothingHasNoBiasAndSkipsGaps) {
  EXPECT_EQ(smoothed({{0, 5}, {1, NAN}, {2, 5}}, 10), (Curve{{0, 5}, {2, 5}}));
  // span 3: newer points weigh twice the older ones
  const Curve two = smoothed({{0, 3}, {1, 6}}, 3);
  EXPECT_DOUBLE_EQ(two[0].y, 3);
  EXPECT_DOUBLE_EQ(two[1].y, 5);
  EXPECT_EQ(smoothed({{0, 3}, {1, 6}}, 1), (Curve{{0, 3}, {1, 6}}));
}

TEST(Series, ThinningKeepsEndsSpikesAndGaps) {
  Curve curve;
  for (int i = 0; i < 10000; ++i) curve.push_back({double(i), std::sin(i * 0.01)});
  curve[4321].y = 50;
  curve[7777].y = -50;
  for (int i = 2000; i < 2200; ++i) curve[static_cast<size_t>(i)].y = NAN;
  curve.front().y = 0.5;  // neither the smallest nor the largest of their stretches
  curve.back().y = -0.7;
  const Curve thin = thinned(curve, 100);
  EXPECT_LE(thin.size(), 202U);
  EXPECT_GT(thin.size(), 150U);
  EXPECT_EQ(thin.front(), curve.front());
  EXPECT_EQ(thin.back(), curve.back());
  EXPECT_NE(std::find(thin.begin(), thin.end(), Point{4321, 50}), thin.end());
  EXPECT_NE(std::find(thin.begin(), thin.end(), Point{7777, -50}), thin.end());
  EXPECT_EQ(count_not_finite(thin), 2U);  // two stretches of a hundred
  EXPECT_TRUE(std::is_sorted(thin.begin(), thin.end(),
                             [](const Point& a, const Point& b) { return a.x < b.x; }));
  curve.resize(150);
  EXPECT_EQ(thinned(curve, 100), curve);
}

TEST(Series, MedianOfFiniteValues) {
  EXPECT_EQ(median({{0, 9}, {1, NAN}, {2, 1}, {3, 5}}), 5);
  EXPECT_TRUE(std::isnan(median({})));
}

}  // namespace
}  // namespace precis
