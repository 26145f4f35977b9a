// Against transformers: sampler_test.cpp. Here against its definition.
#include "lib/generate/min_p.h"

#include <gtest/gtest.h>

#include <vector>

#include "lib/generate/top_p.h"
#include "tests/generate/draw_row.h"

namespace precis {
namespace {

using testing::random_row;
using testing::tokens_of;

TEST(MinP, LeavesTokensByTheirShareOfTheLargest) {
  for (const size_t size : {1, 2, 40, 3000}) {
    for (const float min_p : {1e-6F, 0.05F, 0.4F, 1.0F}) {
      DrawRow row = random_row(size, size);
      for (Candidate& candidate : row.kept) candidate.score *= 0.25F;  // any common factor will do
      row.total *= 0.25;
      std::vector<int32_t> expected;
      for (const Candidate& candidate : row.kept)
        if (candidate.score >= min_p * 0.25F) expected.push_back(candidate.token);
      ASSERT_FALSE(expected.empty());
      MinP(min_p).apply(row);
      EXPECT_EQ(tokens_of(row), expected) << size << " tokens, min_p " << min_p;
    }
  }
}

TEST(MinP, LeavesAllThatTieWithTheLargest) {
  DrawRow row{.kept = {{0.5F, 1}, {1, 4}, {1, 8}}, .total = 2.5, .sorted = {}};
  EXPECT_EQ(MinP(1).least_weight(2.5, 3), 1);
  MinP(1).apply(row);
  EXPECT_EQ(tokens_of(row), (std::vector<int32_t>{4, 8}));
  DrawRow nothing;
  MinP(0.5).apply(nothing);
  EXPECT_TRUE(nothing.kept.empty());
}

TEST(MinP, NarrowsWhatTopPLeftAndNeverWidensIt) {
  size_t by_top_p = 0, by_min_p = 0;
  for (const double top_p : {0.3, 0.98}) {
    DrawRow row = random_row(500, 9);
    TopP(top_p).apply(row);
    const auto nucleus = tokens_of(row);
    std::vector<int32_t> expected;
    for (const Candidate& candidate : row.kept)
      if (candidate.score >= 0.1F) expected.push_back(candidate.token);
    MinP(0.1).apply(row);
    EXPECT_EQ(tokens_of(row), expected);
    (expected == nucleus ? by_top_p : by_min_p) += 1;
  }
  EXPECT_EQ(by_top_p, 1U);
  EXPECT_EQ(by_min_p, 1U);
}

}  // namespace
}  // namespace precis
