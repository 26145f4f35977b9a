// Operations and bytes: worked out by hand for a model of a few numbers, and against what a pass
// really takes.
#include "lib/model/cost.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/support/small_gpt.h"

namespace precis {
namespace {

Gpt2Shape tiny() {
  Gpt2Shape shape;
  shape.n_layer = 2;
  shape.n_head = 2;
  shape.n_embd = 8;
  shape.vocab_size = 100;
  return shape;
}

TEST(Cost, OperationsOfAStep) {
  // A block's matrices: 24 x 8 + 8 x 8 + 32 x 8 + 8 x 32 = 768 weights, 576 of them behind
  // attention. 20 tokens through two blocks, but 14 of them leave the second one behind attention;
  // 6 meet the head: 2 x 768 x 20 - 576 x 14 + 6 x 8 x 100 = 27456. Attention: two samples of 10 x
  // 10 scores, half of each, two products, two blocks: 2 x 2 x 2 x 50 x 8 = 3200.
  EXPECT_EQ(training_operations(tiny().cost(4), {.samples = 2, .tokens = 20, .target_tokens = 6}),
            6 * (27456 + 3200));
  EXPECT_EQ(training_operations(tiny().cost(4), {}), 0);
}

TEST(Cost, ATargetTokenInInputTokens) {
  EXPECT_DOUBLE_EQ(tiny().cost(4).target_token, 800.0 / 1536);
  EXPECT_NEAR(Gpt2Shape{}.cost(4).target_token, 0.4544, 1e-4);  // GPT-2: 50257 / (12 x 12 x 768)
}

TEST(Cost, WhatARankHolds) {
  EXPECT_EQ(state_bytes(1000, 1000, 4), 16'000);  // weight, gradient, two moments
  EXPECT_EQ(state_bytes(1000, 1000, 2), 18'000);  // and the copy in half precision
  EXPECT_EQ(state_bytes(1000, 100, 4), 5'200);    // the frozen have but their weights
}

TEST(Cost, ActivationsOfAMicroBatch) {
  // float32, a token: in each of two blocks 2 x 8 + 15 x 8 + 6 = 142 numbers, with target rows 32,
  // gradients 40 and the block in hand 88 more: 444 numbers. Logits: 512 x 128 (100
  // rounded up to 64), thrice.
  EXPECT_EQ(activation_bytes(tiny().cost(4), 10), 10 * 444 * 4 + 512 * 128 * 12);
  // Half precision: 2 x (16 x 4 + 120 x 2 + 6 x 4) + (16 x 4 + 16 x 2) + (16 x 4 + 24 x 2) + 88
  // x 2.
  EXPECT_EQ(activation_bytes(tiny().cost(2), 10), 10 * 1040 + 512 * 128 * 10);
}

TEST(Cost, TokensWithinIsTheReverse) {
  for (const int64_t element : {2, 4})
    for (const int64_t tokens : {0, 1, 1000}) {
      const ModelCost cost = tiny().cost(element);
      const int64_t bytes = activation_bytes(cost, tokens);
      EXPECT_EQ(tokens_within(cost, bytes), tokens);
      EXPECT_EQ(tokens_within(cost, bytes + 7), tokens);
      EXPECT_EQ(tokens_within(cost, bytes - 1), std::max<int64_t>(0, tokens - 1));
    }
  EXPECT_EQ(tokens_within(tiny().cost(4), 0), 0);
  EXPECT_EQ(tokens_within(tiny().cost(4), -1'000'000'000), 0);
}

TEST(Cost, APassTakesWhatWasSaidAndNotMuchLess) {
  const Gpt2Shape shape = testing::small_shape();
  const ParameterTable table = shape.parameters();
  std::vector<testing::MadeUpSample> samples;
  for (uint64_t i = 0; i < 10; ++i)
    samples.push_back({std::vector<int32_t>(141, static_cast<int32_t>(i)), 1, i});
  const RaggedBatch batch = testing::batch_of(samples);
  ASSERT_EQ(batch.num_tokens(), 1400);  // more than a piece of logits
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const Weights weights = make_weights(table, testing::busy_parameters(table), type);
    const at::Tensor gradient = at::zeros({table.trainable_numel()}, at::kFloat);
    Gpt2Model model(shape, table, at::kCPU);
    model.train(batch, weights, table.gradient_views(gradient), {0.0, 1.0, {}});
    const int64_t said = activation_bytes(shape.cost(static_cast<int64_t>(c10::elementSize(type))),
                                          batch.num_tokens());
    EXPECT_LE(model.peak_scratch_bytes(), said);
    EXPECT_GE(static_cast<double>(model.peak_scratch_bytes()), 0.85 * static_cast<double>(said));
  }
}

}  // namespace
}  // namespace precis
