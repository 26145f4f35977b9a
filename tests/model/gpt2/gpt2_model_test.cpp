// The model against a plain composition of ATen's operators under autograd, and against itself
// where no reference is needed.
#include "lib/model/gpt2/gpt2_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "lib/ops/embedding.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;

/// nanoGPT's forward for one sample, in the most literal way; differentiable. Sum of nats over the
/// targets.
at::Tensor reference_loss(const MadeUpSample& sample, const Gpt2Shape& shape,
                          const ParameterTable& table, const at::Tensor& flat) {
  const auto w = [&](const std::string& name) {
    const std::string full = "transformer." + name;
    return table.has(full) ? table.view(flat, table.slots()[table.index(full)]) : at::Tensor();
  };
  const auto length = static_cast<int64_t>(sample.tokens.size()) - 1, heads = shape.n_head;
  const at::Tensor ids =
      at::tensor(std::vector<int64_t>(sample.tokens.begin(), sample.tokens.end()));
  at::Tensor x = w("wte.weight").index_select(0, ids.narrow(0, 0, length)) +
                 w("wpe.weight").narrow(0, 0, length);
  const auto norm = [&](const at::Tensor& v, const std::string& name) {
    return at::layer_norm(v, {shape.n_embd}, w(name + ".weight"), w(name + ".bias"), 1e-5);
  };
  const auto linear = [&](const at::Tensor& v, const std::string& name) {
    return at::linear(v, w(name + ".weight"), w(name + ".bias"));
  };
  const auto split = [&](const at::Tensor& v) {
    return v.view({length, heads, shape.n_embd / heads}).transpose(0, 1);
  };
  for (int64_t l = 0; l < shape.n_layer; ++l) {
    const std::string h = "h." + std::to_string(l) + ".";
    const auto qkv = linear(norm(x, h + "ln_1"), h + "attn.c_attn").chunk(3, 1);
    at::Tensor scores = at::matmul(split(qkv[0]), split(qkv[1]).transpose(1, 2)) /
                        std::sqrt(static_cast<double>(shape.n_embd / heads));
    scores = scores.masked_fill(at::ones({length, length}).tril().eq(0), -INFINITY).softmax(-1);
    const at::Tensor y =
        at::matmul(scores, split(qkv[2])).transpose(0, 1).reshape({length, shape.n_embd});
    x = x + linear(y, h + "attn.c_proj");
    const at::Tensor fc = linear(norm(x, h + "ln_2"), h + "mlp.c_fc");
    x = x + linear(at::gelu(fc, shape.gelu_tanh ? "tanh" : "none"), h + "mlp.c_proj");
  }
  const at::Tensor logits = at::matmul(norm(x, "ln_f"), w("wte.weight").t());
  const int64_t first = sample.prompt_tokens - 1;
  return at::cross_entropy_loss(logits.narrow(0, first, length - first),
                                ids.narrow(0, first + 1, length - first), {}, at::Reduction::Sum);
}

struct ShapeCase {
  bool bias, tanh;
};

class GptAgainstReference : public ::testing::TestWithParam<ShapeCase> {};

TEST_P(GptAgainstReference, LossAndEveryGradientAgree) {
  Gpt2Shape shape = small_shape();
  shape.bias = GetParam().bias;
  shape.gelu_tanh = GetParam().tanh;
  const ParameterTable table = shape.parameters();
  const auto samples = made_up_samples(shape);
  at::Tensor flat = busy_parameters(table).requires_grad_(true);
  at::Tensor loss = at::zeros({});
  for (const MadeUpSample& sample : samples)
    loss = loss + reference_loss(sample, shape, table, flat);
  (loss * 0.5).backward();
  const at::Tensor plain = flat.detach();
  const LossAndGradient ours =
      run_batches(shape, make_weights(table, plain, at::kFloat), {batch_of(samples)}, 0.0, 0.5);
  EXPECT_NEAR(ours.loss, loss.item<double>(), 1e-4 * loss.item<double>());
  for (const ParameterSlot& slot : table.slots())
    EXPECT_LT(relative_distance(table.view(ours.gradient, slot), table.view(flat.grad(), slot)),
              1e-4)
        << slot.name;
}

INSTANTIATE_TEST_SUITE_P(Shapes, GptAgainstReference,
                         ::testing::Values(ShapeCase{true, false}, ShapeCase{true, true},
                                           ShapeCase{false, false}));

class GptDropout : public ::testing::TestWithParam<double> {};

TEST_P(GptDropout, RaggedIsOneByOne) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const auto samples = made_up_samples(shape);
  const Weights weights = make_weights(table, busy_parameters(table), at::kFloat);
  std::vector<RaggedBatch> single;
  for (const MadeUpSample& sample : samples) single.push_back(batch_of(std::span(&sample, 1)));
  const LossAndGradient together =
      run_batches(shape, weights, {batch_of(samples)}, GetParam(), 0.01);
  const LossAndGradient apart = run_batches(shape, weights, single, GetParam(), 0.01);
  EXPECT_NEAR(together.loss, apart.loss, 1e-5 * apart.loss);
  EXPECT_LT(relative_distance(together.gradient, apart.gradient), 1e-5);
}

TEST_P(GptDropout, OrderAndCutOfMicroBatchesDoNotMatter) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  auto samples = made_up_samples(shape);
  const Weights weights = make_weights(table, busy_parameters(table), at::kFloat);
  const LossAndGradient whole = run_batches(shape, weights, {batch_of(samples)}, GetParam(), 0.01);
  std::reverse(samples.begin(), samples.end());
  // Two micro-batches with 20 + 1 + 60 and 8 + 3 targets.
  const LossAndGradient cut =
      run_batches(shape, weights,
                  {batch_of(std::span(samples).first(3)), batch_of(std::span(samples).subspan(3))},
                  GetParam(), 0.01);
  EXPECT_NEAR(whole.loss, cut.loss, 1e-5 * whole.loss);
  EXPECT_LT(relative_distance(cut.gradient, whole.gradient), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Probabilities, GptDropout, ::testing::Values(0.0, 0.3));

TEST(Gpt, DropoutChangesTheLossAndDependsOnTheKey) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  auto samples = made_up_samples(shape);
  const Weights weights = make_weights(table, busy_parameters(table), at::kFloat);
  const double dry = run_batches(shape, weights, {batch_of(samples)}, 0.0, 1).loss;
  const double wet = run_batches(shape, weights, {batch_of(samples)}, 0.3, 1).loss;
  for (MadeUpSample& sample : samples) sample.key += 1000;
  const double other = run_batches(shape, weights, {batch_of(samples)}, 0.3, 1).loss;
  EXPECT_GT(std::abs(dry - wet), 1e-3 * dry);
  EXPECT_GT(std::abs(other - wet), 1e-4 * dry);
}

TEST(Gpt, GradientWithDropoutIsTheSlopeOfTheLoss) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const auto samples = made_up_samples(shape);
  const at::Tensor flat = busy_parameters(table);
  const std::vector<RaggedBatch> batches{batch_of(samples)};
  const at::Tensor gradient =
      run_batches(shape, make_weights(table, flat, at::kFloat), batches, 0.2, 1).gradient;
  const at::Tensor direction = gradient / gradient.norm();
  constexpr double kStep = 2e-3;
  const double up =
      run_batches(shape, make_weights(table, flat + kStep * direction, at::kFloat), batches, 0.2, 1)
          .loss;
  const double down =
      run_batches(shape, make_weights(table, flat - kStep * direction, at::kFloat), batches, 0.2, 1)
          .loss;
  const auto slope = gradient.norm().item<double>();
  EXPECT_NEAR((up - down) / (2 * kStep), slope, 0.01 * slope);
}

TEST(Gpt, EvaluationLossIsTrainingLossWithoutDropout) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const RaggedBatch batch = batch_of(made_up_samples(shape));
  const Weights weights = make_weights(table, busy_parameters(table), at::kFloat);
  Gpt2Model model(shape, table, at::kCPU);
  EXPECT_NEAR(model.loss(batch, weights).item<double>(),
              run_batches(shape, weights, {batch}, 0.0, 1).loss, 1e-3);
}

class GptPrecision : public ::testing::TestWithParam<std::pair<at::ScalarType, double>> {};

TEST_P(GptPrecision, StaysNearFloat32) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const std::vector<RaggedBatch> batches{batch_of(made_up_samples(shape))};
  const at::Tensor flat = busy_parameters(table);
  const LossAndGradient exact =
      run_batches(shape, make_weights(table, flat, at::kFloat), batches, 0.1, 0.01);
  const LossAndGradient low =
      run_batches(shape, make_weights(table, flat, GetParam().first), batches, 0.1, 0.01);
  EXPECT_NE(low.loss, exact.loss);
  EXPECT_NEAR(low.loss, exact.loss, GetParam().second * exact.loss);
  EXPECT_LT(relative_distance(low.gradient, exact.gradient), 5 * GetParam().second);
}

INSTANTIATE_TEST_SUITE_P(Types, GptPrecision,
                         ::testing::Values(std::pair{at::kBFloat16, 0.01},
                                           std::pair{at::kHalf, 0.002}));

TEST(Gpt, RepeatedTokensAddUpInFloat32) {
  // Of 1,000 hits on one row, bfloat16 would lose all beyond 256.
  const int64_t n = 1000, c = 8;
  const at::Tensor tokens = at::full({n}, 3, at::kLong), positions = at::zeros({n}, at::kLong),
                   keys = at::zeros({n}, at::kLong);
  const at::Tensor wte = at::zeros({5, c}), wpe = at::zeros({2, c});
  const ops::RowIds rows{keys, positions};
  ops::embed_backward(tokens, {rows, {}}, at::ones({n, c}), wte, wpe);
  EXPECT_EQ(wte[3][0].item<float>(), 1000.0F);
  EXPECT_EQ(wpe[0][7].item<float>(), 1000.0F);
  EXPECT_EQ(wte.sum().item<float>(), 1000.0F * c);
}

TEST(Gpt, GradientsAreReportedFinalInFlatOrder) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const Weights weights = make_weights(table, busy_parameters(table), at::kFloat);
  const at::Tensor gradient = at::zeros({table.numel()});
  std::vector<std::pair<int64_t, at::Tensor>> seen;
  Gpt2Model model(shape, table, at::kCPU);
  model.train(batch_of(made_up_samples(shape)), weights, table.gradient_views(gradient),
              {0.0, 1.0, [&](int64_t count) {
                 seen.emplace_back(count, gradient.narrow(0, 0, count).clone());
               }});
  ASSERT_EQ(seen.size(), static_cast<size_t>(shape.n_layer) + 2);
  EXPECT_EQ(seen.back().first, table.numel());
  for (const auto& [count, at_the_time] : seen)
    EXPECT_TRUE(at::equal(at_the_time, gradient.narrow(0, 0, count))) << count;
}

}  // namespace
}  // namespace precis
