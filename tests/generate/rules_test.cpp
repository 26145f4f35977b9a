// Each processor and their chain, in the order of the list, against transformers', bit for bit.
#include "lib/generate/rules.h"

#include <gtest/gtest.h>

#include <limits>

#include "lib/generate/min_p.h"
#include "lib/generate/top_p.h"
#include "tests/generate/toy_decoder.h"

namespace precis {
namespace {

TEST(Rules, EqualsTransformers) {
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

TEST(Rules, PlainConfigHasNone) {
  EXPECT_TRUE(make_processors({}, {0}).empty());
  EXPECT_TRUE(make_warpers({}).empty());
}

TEST(Rules, WarpersAreThoseThatAreAskedFor) {
  EXPECT_TRUE(make_warpers({.temperature = 1, .top_k = 3}).empty());
  EXPECT_EQ(make_warpers({.top_p = 0.5}).size(), 1U);
  const Warpers both = make_warpers({.top_p = 0.5, .min_p = 0.5});
  ASSERT_EQ(both.size(), 2U);
  EXPECT_NE(dynamic_cast<const TopP*>(both[0].get()), nullptr) << "as in transformers";
  EXPECT_NE(dynamic_cast<const MinP*>(both[1].get()), nullptr);
}

}  // namespace
}  // namespace precis
