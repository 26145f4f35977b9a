// ROUGE against rouge_score's numbers, and the means.
#include "lib/metrics/rouge.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

namespace precis {
namespace {

constexpr double kExact = 1e-12;

void expect_score(const RougeScore& score, const nlohmann::json& expected,
                  const std::string& where) {
  EXPECT_NEAR(score.precision, expected.at(0).get<double>(), kExact) << where;
  EXPECT_NEAR(score.recall, expected.at(1).get<double>(), kExact) << where;
  EXPECT_NEAR(score.fmeasure, expected.at(2).get<double>(), kExact) << where;
}

TEST(Rouge, EqualsRougeScore) {
  const auto cases = nlohmann::json::parse(std::ifstream("tests/golden/rouge_golden.json"));
  ASSERT_GE(cases.size(), 300U);
  size_t num_several = 0;
  size_t num_lsum_differs = 0;
  for (const auto& one : cases) {
    const RougeScorer scorer(one.at("stemmer").get<bool>());
    const auto references = one.at("references").get<std::vector<std::string>>();
    const RougeScores scores =
        scorer.score_multi(references, one.at("prediction").get<std::string>());
    const auto& expected = one.at("scores");
    expect_score(scores.rouge1, expected.at("rouge1"), one.dump());
    expect_score(scores.rouge2, expected.at("rouge2"), one.dump());
    expect_score(scores.rougeL, expected.at("rougeL"), one.dump());
    expect_score(scores.rougeLsum, expected.at("rougeLsum"), one.dump());
    if (references.size() > 1) ++num_several;
    if (scores.rougeL.fmeasure != scores.rougeLsum.fmeasure) ++num_lsum_differs;
  }
  EXPECT_GT(num_several, 100U);
  EXPECT_GT(num_lsum_differs, 100U);
}

TEST(Rouge, SwappingTheTextsSwapsPrecisionAndRecall) {
  const RougeScorer scorer(true);
  const RougeScores there = scorer.score("the cat sat on the mat", "a cat on a mat");
  const RougeScores back = scorer.score("a cat on a mat", "the cat sat on the mat");
  EXPECT_EQ(there.rouge1.precision, back.rouge1.recall);
  EXPECT_EQ(there.rougeL.recall, back.rougeL.precision);
  EXPECT_DOUBLE_EQ(there.rouge1.precision, 3.0 / 5);
  EXPECT_DOUBLE_EQ(there.rouge1.recall, 3.0 / 6);
}

TEST(Rouge, NoReferencesIsZero) {
  EXPECT_EQ(RougeScorer(true).score_multi({}, "a b").rouge1.fmeasure, 0);
}

TEST(Rouge, BestReferenceIsChosenForEachTypeAlone) {
  const std::vector<std::string> references = {"d c b a", "a b x y z"};
  const RougeScores scores = RougeScorer(false).score_multi(references, "a b c d");
  EXPECT_DOUBLE_EQ(scores.rouge1.fmeasure, 1);
  EXPECT_DOUBLE_EQ(scores.rouge2.recall, 1.0 / 4);
  EXPECT_DOUBLE_EQ(scores.rougeL.recall, 2.0 / 5);
}

RougeScores all_of(double number) {
  const RougeScore score{number, number / 2, number / 4};
  return {score, score, score, score};
}

TEST(RougeMeans, MeanOfEachNumber) {
  const std::vector<RougeScores> scores = {all_of(1), all_of(0), all_of(0.5)};
  const RougeScores means = mean(scores);
  EXPECT_DOUBLE_EQ(means.rouge1.precision, 0.5);
  EXPECT_DOUBLE_EQ(means.rougeL.recall, 0.25);
  EXPECT_DOUBLE_EQ(means.rougeLsum.fmeasure, 0.125);
  EXPECT_EQ(mean({}).rouge2.fmeasure, 0);
}

TEST(RougeMeans, BootstrapFindsTheConfidenceOfTheMean) {
  std::mt19937_64 generator(5);
  std::vector<RougeScores> scores;
  for (int i = 0; i < 400; ++i)
    scores.push_back(all_of(static_cast<double>(generator() % 1000) / 1000));
  const RougeIntervals bounds = bootstrap(scores, 1);
  const double centre = mean(scores).rouge1.precision;
  // Uniform numbers: the mean's standard error is 1 / sqrt(12 * 400) = 0.0144, the 95 %
  // interval 1.96 times that.
  const double half_width = 1.96 / std::sqrt(12.0 * 400);
  EXPECT_NEAR(bounds.low.rouge1.precision, centre - half_width, 0.2 * half_width);
  EXPECT_NEAR(bounds.mid.rouge1.precision, centre, 0.1 * half_width);
  EXPECT_NEAR(bounds.high.rouge1.precision, centre + half_width, 0.2 * half_width);
  EXPECT_DOUBLE_EQ(bounds.high.rougeLsum.fmeasure, bounds.high.rouge1.precision / 4);
}

TEST(RougeMeans, BootstrapFollowsFromTheSeed) {
  const std::vector<RougeScores> scores = {all_of(0.1), all_of(0.7), all_of(0.3), all_of(0.9),
                                           all_of(0.2)};
  EXPECT_EQ(bootstrap(scores, 1).low.rouge1.precision, bootstrap(scores, 1).low.rouge1.precision);
  const std::vector<RougeScores> single = {all_of(0.5)};
  EXPECT_DOUBLE_EQ(bootstrap(single, 1).low.rouge1.precision, 0.5);
  EXPECT_EQ(bootstrap({}, 1).high.rouge1.precision, 0);
}

}  // namespace
}  // namespace precis
