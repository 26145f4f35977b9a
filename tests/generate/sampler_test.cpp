// What may be drawn, and how often, against transformers' warpers.
#include "lib/generate/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "lib/generate/generate.h"
#include "tests/generate/toy_decoder.h"

namespace precis {
namespace {

/// Chi-square of counts against probabilities, over the classes with at least 5 expected and the
/// rest as one class, as standard deviations from its mean (Wilson and Hilferty's normal
/// approximation).
double chi_square_deviation(const std::map<int32_t, size_t>& counts,
                            const std::map<int32_t, double>& probabilities, size_t draws) {
  double chi_square = 0, rest_expected = 0, rest_seen = 0;
  int64_t classes = 0;
  const auto add = [&](double seen, double expected) {
    chi_square += (seen - expected) * (seen - expected) / expected;
    ++classes;
  };
  for (const auto& [token, probability] : probabilities) {
    const auto found = counts.find(token);
    const double seen = found == counts.end() ? 0 : static_cast<double>(found->second);
    const double expected = probability * static_cast<double>(draws);
    if (expected >= 5) {
      add(seen, expected);
    } else {
      rest_expected += expected;
      rest_seen += seen;
    }
  }
  if (rest_expected >= 5) add(rest_seen, rest_expected);
  const auto freedom = static_cast<double>(classes - 1);
  if (freedom < 1) return 0;
  const double variance = 2 / (9 * freedom);
  return (std::cbrt(chi_square / freedom) - (1 - variance)) / std::sqrt(variance);
}

/// The cases of transformers' warpers: without min-p, then with it.
nlohmann::json warper_cases() {
  const auto reference = generate_reference();
  auto cases = reference.at("warpers");
  for (const auto& with_min_p : reference.at("min_p")) cases.push_back(with_min_p);
  return cases;
}

GenerationConfig warper_config(const nlohmann::json& reference_case) {
  return {.temperature = reference_case.at("temperature"),
          .top_k = reference_case.at("top_k"),
          .top_p = reference_case.at("top_p"),
          .min_p = reference_case.value("min_p", 0.0)};
}

TEST(Sampler, DrawsFromTransformersDistribution) {
  constexpr size_t kDraws = 6000;
  size_t with_many = 0, with_tie = 0;
  for (const auto& reference_case : warper_cases()) {
    const GenerationConfig config = warper_config(reference_case);
    const auto scores = reference_case.at("scores").get<std::vector<float>>();
    const auto kept = reference_case.at("kept").get<std::vector<int32_t>>();
    const auto values = reference_case.at("probabilities").get<std::vector<double>>();
    std::map<int32_t, double> probabilities;
    for (size_t i = 0; i < kept.size(); ++i) probabilities[kept[i]] = values[i];

    const Sampler sampler(config);
    DrawRow memory;
    RandomStream random(17);
    std::map<int32_t, size_t> counts;
    for (size_t i = 0; i < kDraws; ++i) {
      std::vector<float> row = scores;
      ++counts[sampler.draw(row, random.uniform(), memory)];
    }
    const auto where = testing::Message()
                       << "temperature " << config.temperature << ", top_k " << config.top_k
                       << ", top_p " << config.top_p << ", min_p " << config.min_p;
    for (const auto& [token, count] : counts)
      EXPECT_TRUE(probabilities.contains(token)) << where << ": drew " << token;
    EXPECT_LT(std::abs(chi_square_deviation(counts, probabilities, kDraws)), 3.5) << where;
    with_many += counts.size() > 20;
    with_tie += config.top_k == 5 && kept.size() == 6;
  }
  EXPECT_GE(with_many, 11U);
  EXPECT_EQ(with_tie, 2U) << "a tie at the border of top-k keeps both";
}

/// The borders between the tokens as the uniform number goes from 0 to 1 are the cumulated
/// probabilities themselves.
TEST(Sampler, InvertsTheDistributionFunctionInTheOrderOfIds) {
  size_t borders = 0;
  for (const auto& reference_case : warper_cases()) {
    const GenerationConfig config = warper_config(reference_case);
    const auto scores = reference_case.at("scores").get<std::vector<float>>();
    const auto kept = reference_case.at("kept").get<std::vector<int32_t>>();
    const auto probabilities = reference_case.at("probabilities").get<std::vector<double>>();
    const Sampler sampler(config);
    DrawRow memory;
    const auto draw = [&](double uniform) {
      std::vector<float> row = scores;
      return sampler.draw(row, uniform, memory);
    };
    double below = 0;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (probabilities[i] > 1e-4) {
        EXPECT_EQ(draw(below + 1e-5), kept[i]);
        EXPECT_EQ(draw(below + probabilities[i] - 1e-5), kept[i]);
        ++borders;
      }
      below += probabilities[i];
    }
    EXPECT_EQ(draw(0), kept.front());
    EXPECT_TRUE(std::find(kept.begin(), kept.end(), draw(1 - 0x1p-53)) != kept.end());
  }
  EXPECT_GT(borders, 500U);
}

TEST(Sampler, FirstTokensOfManyPromptsFollowTheModel) {
  const Toy toy{
      .vocab = 41, .end = 40, .seed = 3, .prefix_weight = 3, .last_weight = 3, .end_bias = 16};
  constexpr size_t kPrompts = 4000;
  std::vector<Prompt> prompts;
  for (size_t key = 0; key < kPrompts; ++key) prompts.push_back({{3, 1, 4}, key});
  ToyDecoder decoder(toy);
  const auto texts =
      generate(decoder, prompts, {.max_new_tokens = 1, .temperature = 1.5, .seed = 8},
               {.end_tokens = {toy.end}, .max_batch_rows = 512});
  EXPECT_GT(decoder.num_starts, 1U);

  const at::Tensor logits = ToyDecoder(toy).start(std::vector<std::vector<int32_t>>{{3, 1, 4}}, 1);
  std::map<int32_t, double> probabilities;
  double total = 0;
  for (int32_t token = 0; token < toy.vocab; ++token)
    total += probabilities[token] = std::exp(logits.const_data_ptr<float>()[token] / 1.5);
  for (auto& [token, probability] : probabilities) probability /= total;
  std::map<int32_t, size_t> counts;
  for (const auto& text : texts) ++counts[text.empty() ? toy.end : text.front()];
  EXPECT_GT(counts.size(), 30U);
  EXPECT_LT(std::abs(chi_square_deviation(counts, probabilities, kPrompts)), 3.5);
}

}  // namespace
}  // namespace precis
