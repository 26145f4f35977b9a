// Against transformers: rules_test.cpp. Here what a made-up case shows better.
#include "lib/generate/no_repeat_ngram.h"

#include <gtest/gtest.h>

#include <vector>

namespace precis {
namespace {

TEST(NoRepeatNgram, BansTheNgramThatOverlapsTheSuffix) {
  const std::vector<int32_t> tokens{2, 1, 1};
  std::vector<float> scores{5, 6, 7};
  NoRepeatNgram(2).apply({tokens, 3}, scores);
  EXPECT_EQ(scores, (std::vector<float>{5, kBanned, 7}));
  NoRepeatNgram(4).apply({tokens, 3}, scores);  // not one complete n-gram yet
  EXPECT_EQ(scores[2], 7);
}

TEST(NoRepeatNgram, LeavesTokensBeyondTheScoresAlone) {
  const std::vector<int32_t> tokens{1, 9, 1, 9, 1};
  std::vector<float> scores{1, 2, 3};
  NoRepeatNgram(2).apply({tokens, 5}, scores);
  EXPECT_EQ(scores, (std::vector<float>{1, 2, 3}));
}

}  // namespace
}  // namespace precis
