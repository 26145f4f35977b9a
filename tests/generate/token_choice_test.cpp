#include "lib/generate/token_choice.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "lib/base/random.h"
#include "lib/generate/generation_config.h"
#include "lib/generate/sampler.h"

namespace precis {
namespace {

TEST(ChooseTokens, TheLikeliestThatIsNotSuppressed) {
  const at::Tensor logits = at::randn({50, 300});
  at::Tensor allowed = logits.clone();
  const at::Tensor best = at::argmax(logits, 1), suppressed = best.slice(0, 0, 20).clone();
  allowed.index_fill_(1, suppressed, -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(at::equal(choose_tokens(logits.clone(), {}, {}), best));
  EXPECT_TRUE(at::equal(choose_tokens(logits, {0, 1, suppressed}, {}), at::argmax(allowed, 1)));
}

/// The numbers that Sampler draws by give its tokens.
void expect_draws_of_sampler(const at::Tensor& logits, int64_t top_k, double temperature) {
  GenerationConfig config;
  config.temperature = temperature;
  config.top_k = top_k;
  const Sampler sampler(config);
  const int64_t rows = logits.size(0), v = logits.size(1);
  const at::Tensor uniforms = at::empty({rows}, at::kDouble);
  RandomStream random(static_cast<uint64_t>(top_k));
  for (int64_t row = 0; row < rows; ++row) uniforms[row].fill_(random.uniform());
  const at::Tensor chosen = choose_tokens(logits.clone(), {top_k, 1 / temperature, {}}, uniforms);
  int64_t equal = 0;
  std::vector<int64_t> counts(static_cast<size_t>(v));
  for (int64_t row = 0; row < rows; ++row) {
    at::Tensor scores = logits[row].clone();
    DrawRow memory;
    const int32_t wanted = sampler.draw({scores.data_ptr<float>(), static_cast<size_t>(v)},
                                        uniforms[row].item<double>(), memory);
    equal += wanted == chosen[row].item<int64_t>();
    ++counts[static_cast<size_t>(wanted)];
  }
  EXPECT_GE(equal, rows - rows / 500) << "top_k " << top_k;  // rounding at a border now and then
  if (top_k > 1) EXPECT_GT(std::ranges::count_if(counts, [](int64_t n) { return n > 0; }), 10);
}

TEST(ChooseTokens, DrawsWhatSamplerDraws) {
  at::manual_seed(3);
  const at::Tensor logits = at::randn({1000, 200}) * 3;
  expect_draws_of_sampler(logits, 1, 1.0);
  expect_draws_of_sampler(logits, 20, 1.0);
  expect_draws_of_sampler(logits, 20, 0.7);
  expect_draws_of_sampler(logits, 199, 1.3);
  expect_draws_of_sampler(logits, 1000, 1.0);             // more than there are
  expect_draws_of_sampler((logits * 2).round(), 5, 1.0);  // ties with the last of the k stay
}

}  // namespace
}  // namespace precis
