// Each processor and their chain against transformers', bit for bit.
#include "lib/generate/logits_processor.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/generate/toy_decoder.h"

namespace precis {
namespace {

TEST(LogitsProcessor, EqualsTransformers) {
  const auto reference = generate_reference();
  const auto& cases = reference.at("processors");
  ASSERT_EQ(cases.size(), 30U);
  size_t banned = 0, scaled = 0, scaled_negative = 0;
  for (const auto& reference_case : cases) {
    const auto tokens = reference_case.at("tokens").get<std::vector<int32_t>>();
    const auto before = reference_case.at("scores").get<std::vector<float>>();
    std::vector<float> scores = before;
    const auto processors =
        make_processors(config_of(reference_case.at("config")), {reference_case.at("end")});
    EXPECT_EQ(processors.size(), reference_case.at("config").size());
    for (const auto& processor : processors) {
      processor->apply({tokens, reference_case.at("prompt_length").get<int64_t>()}, scores);
    }
    for (size_t i = 0; i < scores.size(); ++i) {
      const auto& after = reference_case.at("after")[i];
      const float expected =
          after.is_null() ? -std::numeric_limits<float>::infinity() : after.get<float>();
      EXPECT_EQ(scores[i], expected) << reference_case.at("config") << ", token " << i;
      banned += after.is_null();
      scaled += !after.is_null() && expected != before[i];
      scaled_negative += !after.is_null() && expected != before[i] && expected < 0;
    }
  }
  EXPECT_GT(banned, 20U);
  EXPECT_GT(scaled_negative, 10U);
  EXPECT_GT(scaled - scaled_negative, 10U);
}

TEST(LogitsProcessor, PlainConfigHasNone) {
  EXPECT_TRUE(make_processors({}, {0}).empty());
}

TEST(LogitsProcessor, BansTheNgramThatOverlapsTheSuffix) {
  const std::vector<int32_t> tokens{2, 1, 1};
  std::vector<float> scores{5, 6, 7};
  NoRepeatNgram(2).apply({tokens, 3}, scores);
  EXPECT_EQ(scores, (std::vector<float>{5, -std::numeric_limits<float>::infinity(), 7}));
  NoRepeatNgram(4).apply({tokens, 3}, scores);  // not one complete n-gram yet
  EXPECT_EQ(scores[2], 7);
}

TEST(LogitsProcessor, LeavesTokensBeyondTheScoresAlone) {
  const std::vector<int32_t> tokens{1, 9, 1, 9, 1};
  std::vector<float> scores{1, 2, 3};
  RepetitionPenalty(2).apply({tokens, 5}, scores);
  NoRepeatNgram(2).apply({tokens, 5}, scores);
  EXPECT_EQ(scores, (std::vector<float>{1, 1, 3}));
}

}  // namespace
}  // namespace precis
