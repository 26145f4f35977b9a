// Against transformers: rules_test.cpp. Here what a made-up case shows better.
#include "lib/generate/min_new_tokens.h"

#include <gtest/gtest.h>

#include <vector>

namespace precis {
namespace {

TEST(MinNewTokens, BansEveryEndUntilTheTextIsLongEnough) {
  const MinNewTokens rule(2, {0, 3});
  const std::vector<int32_t> tokens{5, 6, 1, 1};
  std::vector<float> scores{1, 2, 3, 4};
  rule.apply({tokens, 2}, scores);
  EXPECT_EQ(scores, (std::vector<float>{1, 2, 3, 4})) << "the prompt does not count";
  rule.apply({tokens, 3}, scores);
  EXPECT_EQ(scores, (std::vector<float>{kBanned, 2, 3, kBanned}));
}

}  // namespace
}  // namespace precis
