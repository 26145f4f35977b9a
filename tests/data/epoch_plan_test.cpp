#include "lib/data/epoch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "lib/text/bpe_trainer.h"

namespace precis {
namespace {

TEST(EpochPlan, AnEpochTakesEverySampleOnceAndTheNextInAnotherOrder) {
  const EpochPlan plan(10, 4, 7);  // steps cross the borders of epochs
  std::vector<int64_t> stream;
  for (int64_t step = 0; step < 5; ++step)
    for (const PlannedSample& s : plan.step(step)) {
      EXPECT_EQ(s.ordinal, static_cast<int64_t>(stream.size()));
      stream.push_back(s.sample);
    }
  const std::vector<int64_t> first(stream.begin(), stream.begin() + 10),
      second(stream.begin() + 10, stream.end());
  EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()).size(), 10U);
  EXPECT_EQ(std::set<int64_t>(second.begin(), second.end()).size(), 10U);
  EXPECT_NE(first, second);
}

TEST(EpochPlan, AStepIsAPureFunctionOfSeedAndNumber) {
  const EpochPlan a(100, 32, 7), b(100, 32, 7), other(100, 32, 8);
  const uint64_t late = EpochPlan::digest(a.step(9));
  a.step(2);
  EXPECT_EQ(EpochPlan::digest(b.step(9)), late);
  EXPECT_EQ(EpochPlan::digest(a.step(9)), late);
  EXPECT_NE(EpochPlan::digest(other.step(9)), late);
  EXPECT_NE(EpochPlan::digest(a.step(8)), late);
}

TEST(EpochPlan, ABatchMayBeLargerThanTheData) {
  const auto samples = EpochPlan(3, 8, 1).step(0);
  ASSERT_EQ(samples.size(), 8U);
  for (int64_t sample = 0; sample < 3; ++sample)
    EXPECT_GE(std::ranges::count(samples, sample, &PlannedSample::sample), 2);
}

TEST(DealOut, IsBalancedAndUsesEveryBin) {
  std::vector<double> costs{9, 1, 8, 2, 7, 3, 6, 4, 5, 5};
  const std::vector<int> bins = deal_out(costs, 3);
  std::vector<double> load(3, 0.0);
  for (size_t i = 0; i < costs.size(); ++i) load[static_cast<size_t>(bins[i])] += costs[i];
  EXPECT_LE(*std::ranges::max_element(load) - *std::ranges::min_element(load), 2);
}

class StepPlans : public ::testing::Test {
 protected:
  StepPlans()
      : tokenizer_(train_bpe(std::vector<std::string>{"ab"}, 257)), prompt_({}, tokenizer_) {
    std::vector<Example> examples;
    for (size_t i = 0; i < 40; ++i)
      examples.push_back({"", std::string(10 + i * 7 % 60, 'x'), std::string(1 + i % 9, 'y')});
    data_ = std::make_unique<DialogueDataset>(examples, prompt_, 200, false);
  }
  BpeTokenizer tokenizer_;
  SummaryPrompt prompt_;
  std::unique_ptr<DialogueDataset> data_;
};

TEST_F(StepPlans, EverySampleIsInOneMicroBatchWhateverTheRanks) {
  const auto samples = EpochPlan(40, 40, 1).step(0);
  std::vector<std::vector<int64_t>> cuts;
  for (const int ranks : {1, 2, 3}) {
    const StepPlan plan = plan_step(samples, *data_, 500, ranks, 1.0);
    std::vector<int64_t> all, shape;
    int64_t targets = 0;
    for (const auto& micro_batch : plan.micro_batches) {
      int64_t tokens = 0;
      for (const PlannedSample& s : micro_batch) {
        all.push_back(s.sample);
        shape.push_back(s.sample);
        tokens += data_->input_tokens(s.sample);
        targets += data_->target_tokens(s.sample);
      }
      shape.push_back(-1);
      EXPECT_LE(tokens, 500);
      EXPECT_GT(tokens, 0);
    }
    std::ranges::sort(all);
    std::vector<int64_t> everyone(40);
    std::iota(everyone.begin(), everyone.end(), 0);
    EXPECT_EQ(all, everyone);
    EXPECT_EQ(plan.counts.target_tokens, targets);
    std::set<int> used(plan.rank_of.begin(), plan.rank_of.end());
    EXPECT_EQ(static_cast<int>(used.size()), ranks);
    cuts.push_back(shape);
  }
  EXPECT_EQ(cuts[0], cuts[1]);
  EXPECT_EQ(cuts[0], cuts[2]);
}

TEST_F(StepPlans, ThereIsWorkForEveryRank) {
  const auto samples = EpochPlan(40, 3, 1).step(0);
  const StepPlan plan = plan_step(samples, *data_, 100000, 3, 0);
  EXPECT_EQ(plan.micro_batches.size(), 3U);
}

TEST_F(StepPlans, ASampleBeyondTheBudgetStandsAlone) {
  const auto samples = EpochPlan(40, 40, 1).step(0);
  const StepPlan plan = plan_step(samples, *data_, 1, 1, 0);
  EXPECT_EQ(plan.micro_batches.size(), 40U);
}

TEST(LargestMicroBatch, IsOfTheLongestSamplesThatThePlanWouldPutTogether) {
  std::vector<EncodedExample> encoded;
  for (const size_t tokens : {4, 9, 7, 2}) encoded.push_back({std::vector<int32_t>(tokens + 1), 1});
  const DialogueDataset data(std::move(encoded));
  const auto of = [&](int64_t budget, int64_t most) {
    std::vector<int64_t> samples;
    for (const PlannedSample& s : largest_micro_batch(data, budget, most))
      samples.push_back(s.sample);
    return samples;
  };
  using Samples = std::vector<int64_t>;
  EXPECT_EQ(of(20, 100), (Samples{1, 2, 0}));
  EXPECT_EQ(of(19, 100), (Samples{1, 2}));
  EXPECT_EQ(of(5, 100), (Samples{1})) << "a sample is never cut";
  EXPECT_EQ(of(1000, 2), (Samples{1, 2})) << "a step has no more";
  EXPECT_EQ(of(38, 100), (Samples{1, 2, 0, 3, 1, 2})) << "a step may be larger than the data";
}

}  // namespace
}  // namespace precis
