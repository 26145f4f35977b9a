// The passes over a row against plain loops in double, for sizes with and without a part of a
// block.
#include "lib/generate/row_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/base/random.h"

namespace precis {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();

/// Normal numbers in steps of a quarter, so that many tie.
std::vector<float> random_row(size_t size, bool with_ties, uint64_t key) {
  RandomStream random(key);
  std::vector<float> row(size);
  for (float& x : row)
    x = static_cast<float>(with_ties ? std::round(4 * random.normal()) / 4 : 3 * random.normal());
  return row;
}

class RowKernels : public testing::TestWithParam<size_t> {};

TEST_P(RowKernels, FindTheLargest) {
  for (uint64_t key = 0; key < 8; ++key) {
    const auto row = random_row(GetParam(), true, key);
    const auto largest = std::max_element(row.begin(), row.end());
    EXPECT_EQ(maximum(row), *largest);
    EXPECT_EQ(argmax(row), largest - row.begin());
    auto last = row;
    last.back() = 100;
    EXPECT_EQ(argmax(last), static_cast<int32_t>(row.size() - 1));
  }
  const std::vector<float> nothing(GetParam(), kBanned);
  EXPECT_EQ(argmax(nothing), 0);
}

TEST_P(RowKernels, LogSoftmax) {
  auto row = random_row(GetParam(), false, 1);
  if (row.size() > 2) row[1] = kBanned;
  const auto before = row;
  double sum = 0;
  for (const float x : before) sum += std::exp(static_cast<double>(x));
  log_softmax_in_place(row);
  for (size_t i = 0; i < row.size(); ++i) {
    if (before[i] == kBanned) {
      EXPECT_EQ(row[i], kBanned);
    } else {
      EXPECT_NEAR(row[i], before[i] - std::log(sum), 2e-6);
    }
  }
}

TEST_P(RowKernels, Exponentials) {
  auto row = random_row(GetParam(), false, 2);
  row.back() = kBanned;
  row.front() = -1000;
  if (row.size() > 4) row[3] = 20;
  const auto before = row;
  const float largest = maximum(before);
  double expected_sum = 0;
  const double sum = exponentials_in_place(row, largest, 0.5F);
  for (size_t i = 0; i < row.size(); ++i) {
    const float argument = (before[i] - largest) * 0.5F;
    const double expected = std::exp(static_cast<double>(argument));
    EXPECT_NEAR(row[i], expected, 3e-7 * expected + 1e-37);
    expected_sum += expected;
  }
  EXPECT_NEAR(sum, expected_sum, 1e-6 * expected_sum);
  EXPECT_EQ(row.back(), row.size() == 1 ? row.back() : 0.0F);
}

TEST_P(RowKernels, TopCandidatesAndThresholds) {
  for (const int64_t k : {1, 2, 8, 300}) {
    for (const bool with_ties : {false, true}) {
      const auto row = random_row(GetParam(), with_ties, 3 + static_cast<uint64_t>(k));
      std::vector<Candidate> all;
      for (size_t i = 0; i < row.size(); ++i) all.push_back({row[i], static_cast<int32_t>(i)});
      auto sorted = all;
      std::sort(sorted.begin(), sorted.end(), better);
      sorted.resize(std::min(sorted.size(), static_cast<size_t>(k)));
      std::vector<Candidate> best;
      top_candidates(row, k, best);
      ASSERT_EQ(best.size(), sorted.size());
      for (size_t i = 0; i < best.size(); ++i)
        EXPECT_EQ(best[i].token, sorted[i].token) << "k " << k << " place " << i;

      std::vector<Candidate> kept;
      collect_at_least(row, best.back().score, kept);
      std::erase_if(
          all, [&](const Candidate& candidate) { return candidate.score < best.back().score; });
      ASSERT_EQ(kept.size(), all.size());
      for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].token, all[i].token);
      if (with_ties && GetParam() > 1000 && k == 8) {
        EXPECT_GT(kept.size(), 8U) << "there must be a tie at the border";
      }
    }
  }
}

TEST_P(RowKernels, PickFollowsTheRunningSum) {
  auto weights = random_row(GetParam(), false, 4);
  for (float& x : weights) x = x > 0 ? x : 0;
  weights[weights.size() / 2] = 1;
  double total = 0;
  for (const float x : weights) total += x;
  RandomStream random(5);
  for (int draw = 0; draw < 50; ++draw) {
    const double target = random.uniform() * total;
    double sum = 0;
    size_t expected = 0;
    while (sum + weights[expected] <= target) sum += weights[expected++];
    const double margin = std::min(target - sum, sum + weights[expected] - target);
    if (margin > 1e-5 * total) {
      EXPECT_EQ(pick(weights, target), static_cast<int32_t>(expected));
    }
  }
  size_t first = 0;
  while (weights[first] == 0) ++first;
  EXPECT_EQ(pick(weights, 0), static_cast<int32_t>(first));
  size_t last = weights.size() - 1;
  while (weights[last] == 0) --last;
  EXPECT_EQ(pick(weights, total * 1.5), static_cast<int32_t>(last))
      << "rounding must not lead beyond the weights";
  EXPECT_EQ(pick(std::vector<float>(GetParam(), 0.0F), 0), 0);
}

TEST_P(RowKernels, NeverChooseNan) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  auto row = random_row(GetParam(), false, 6);
  for (size_t i = 0; i < row.size(); i += 2) row[i] = kNan;
  std::vector<Candidate> best;
  top_candidates(row, 9, best);
  EXPECT_EQ(best.size(), std::min<size_t>(9, row.size() / 2));
  for (const Candidate& candidate : best) EXPECT_EQ(candidate.token % 2, 1);
  EXPECT_FALSE(std::isnan(maximum(row)));
  const double sum = exponentials_in_place(row, maximum(row), 1);
  EXPECT_EQ(pick(row, sum / 2) % 2, row.size() > 1 ? 1 : 0);
  std::vector<float> nothing(GetParam(), kNan);
  top_candidates(nothing, 9, best);
  EXPECT_TRUE(best.empty());
  EXPECT_EQ(argmax(nothing), 0);
}

INSTANTIATE_TEST_SUITE_P(Sizes, RowKernels, testing::Values(1, 5, 255, 256, 257, 1024, 5003));

}  // namespace
}  // namespace precis
