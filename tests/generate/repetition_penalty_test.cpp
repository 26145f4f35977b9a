// Against transformers: rules_test.cpp. Here what a made-up case shows better.
#include "lib/generate/repetition_penalty.h"

#include <gtest/gtest.h>

#include <vector>

namespace precis {
namespace {

TEST(RepetitionPenalty, ActsOnceOnATokenWhateverItsSign) {
  const std::vector<int32_t> tokens{0, 2, 0, 0};
  std::vector<float> scores{4, 4, -4};
  RepetitionPenalty(2).apply({tokens, 1}, scores);
  EXPECT_EQ(scores, (std::vector<float>{2, 4, -8}));
}

TEST(RepetitionPenalty, LeavesTokensBeyondTheScoresAlone) {
  const std::vector<int32_t> tokens{1, 9, 1, 9, 1};
  std::vector<float> scores{1, 2, 3};
  RepetitionPenalty(2).apply({tokens, 5}, scores);
  EXPECT_EQ(scores, (std::vector<float>{1, 1, 3}));
}

}  // namespace
}  // namespace precis
