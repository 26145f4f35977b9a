// Against transformers: sampler_test.cpp. Here against sorting everything.
#include "lib/generate/top_p.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/generate/draw_row.h"

namespace precis {
namespace {

using testing::random_row;
using testing::tokens_of;

TEST(TopP, LeavesWhatSortingEverythingLeaves) {
  size_t dropped = 0;
  for (const size_t size : {1, 2, 63, 64, 65, 1000, 5000}) {
    for (const double top_p : {0.0, 0.3, 0.9, 0.999}) {
      DrawRow row = random_row(size, size + static_cast<uint64_t>(1000 * top_p));
      auto sorted = row.kept;
      std::sort(sorted.begin(), sorted.end(),
                [](const auto& a, const auto& b) { return better(a, b); });
      double sum = 0;
      std::vector<int32_t> expected;
      for (const Candidate& candidate : sorted) {
        if (!expected.empty() && sum >= top_p * row.total) break;
        sum += candidate.score;
        expected.push_back(candidate.token);
      }
      std::sort(expected.begin(), expected.end());
      DrawRow light = row;
      const float least = TopP(top_p).least_weight(row.total, size);
      std::erase_if(light.kept, [&](const Candidate& c) { return c.score < least; });
      dropped += row.kept.size() - light.kept.size();
      TopP(top_p).apply(row);
      EXPECT_EQ(tokens_of(row), expected) << size << " tokens, top_p " << top_p;
      TopP(top_p).apply(light);
      EXPECT_EQ(tokens_of(light), expected) << "without the light ones: " << size << ", " << top_p;
    }
  }
  EXPECT_GT(dropped, 1000U);
}

TEST(TopP, LeavesTheHigherTokenOfTwoAlike) {
  DrawRow row{.kept = {{1, 4}, {1, 8}}, .total = 2, .sorted = {}};
  TopP(0.5).apply(row);
  EXPECT_EQ(tokens_of(row), std::vector<int32_t>{8});
  DrawRow nothing;
  TopP(0.5).apply(nothing);
  EXPECT_TRUE(nothing.kept.empty());
}

}  // namespace
}  // namespace precis
