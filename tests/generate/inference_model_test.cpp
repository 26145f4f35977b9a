// Decoding with the cache must give the logits of the model without one.
#include "lib/generate/inference_model.h"

#include <gtest/gtest.h>

#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;

at::Tensor uncached(LanguageModel& model, const Weights& weights,
                    const std::vector<int32_t>& tokens) {
  const MadeUpSample sample{tokens, static_cast<int64_t>(tokens.size()), 0};
  return model.logits(batch_of(std::span(&sample, 1), false), weights, nullptr)[0].clone();
}

TEST(InferenceModel, CachedLogitsAreUncachedLogits) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const Weights weights = make_weights(table, busy_parameters(table), at::kFloat);
  Gpt2Model model(shape, table, at::kCPU), plain(shape, table, at::kCPU);
  const InferenceModel inference(model, weights);
  CachedDecoder decoder(inference);
  std::vector<std::vector<int32_t>> rows{{1, 2, 3, 4, 5, 6, 7}, {9}, {11, 12, 13}};
  at::Tensor logits = decoder.start(rows, 12);
  for (size_t i = 0; i < rows.size(); ++i)
    EXPECT_TRUE(at::allclose(logits[static_cast<int64_t>(i)], uncached(plain, weights, rows[i]),
                             1e-4, 1e-4));
  // Rows are doubled, swapped and left out on the way, as beams and finished texts do; more rows
  // than prompts make the cache grow.
  const std::vector<std::vector<int64_t>> choices{
      {0, 1, 2}, {2, 2, 0, 1, 1, 0}, {5, 3, 3, 0, 1, 2}, {4, 1}, {1, 0}};
  int32_t next = 20;
  for (const auto& choice : choices) {
    std::vector<std::vector<int32_t>> chosen;
    std::vector<int32_t> tokens;
    for (const int64_t row : choice) {
      chosen.push_back(rows[static_cast<size_t>(row)]);
      chosen.back().push_back(next);
      tokens.push_back(next++);
    }
    rows = chosen;
    decoder.select(choice);
    logits = decoder.step(tokens);
    ASSERT_EQ(logits.size(0), static_cast<int64_t>(rows.size()));
    for (size_t i = 0; i < rows.size(); ++i)
      EXPECT_TRUE(at::allclose(logits[static_cast<int64_t>(i)], uncached(plain, weights, rows[i]),
                               1e-4, 1e-4))
          << i;
  }
  EXPECT_EQ(rows.front().size(), 6U);  // a prompt of one token, five times chosen
}

TEST(InferenceModel, EveryCachedKeyCounts) {
  // The replaced system's cached attention saw the first key only: then no later token of the
  // prompt would change anything.
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const Weights weights = make_weights(table, busy_parameters(table), at::kFloat);
  Gpt2Model model(shape, table, at::kCPU);
  const InferenceModel inference(model, weights);
  CachedDecoder decoder(inference);
  const std::vector<int32_t> token{8};
  const auto after = [&](const std::vector<int32_t>& prompt) {
    const std::vector<std::vector<int32_t>> prompts{prompt};
    decoder.start(prompts, 4);
    return decoder.step(token).clone();
  };
  const at::Tensor base = after({1, 2, 3, 4, 5});
  for (size_t changed = 0; changed < 5; ++changed) {
    std::vector<int32_t> prompt{1, 2, 3, 4, 5};
    prompt[changed] = 50;
    EXPECT_GT(relative_distance(after(prompt), base), 1e-4) << changed;
  }
}

}  // namespace
}  // namespace precis
