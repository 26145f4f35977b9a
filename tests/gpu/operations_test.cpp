// The first contact with a GPU: every operation and a whole training step against the CPU.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/comm/devices.h"
#include "lib/generate/generate.h"
#include "lib/generate/inference_model.h"
#include "lib/model/batch_shape.h"
#include "lib/ops/self_test.h"
#include "lib/train/recorded_passes.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;

const at::Device kGpu(at::kCUDA, 0);

class Gpu : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override {
    const std::vector<VisibleGpu> gpus = visible_gpus();
    ASSERT_FALSE(gpus.empty()) << "this test needs a GPU";
    if (GetParam() == at::kBFloat16 && gpus.front().major < 8)
      GTEST_SKIP() << gpus.front().name << " has no bfloat16";
  }
};

TEST_P(Gpu, OperationsAreTheCpus) {
  const auto compared = ops::compare_with_cpu(kGpu, GetParam(), ops::SelfTest::kWhole);
  for (const ops::Comparison& c : compared) RecordProperty(c.operation, std::to_string(c.distance));
  EXPECT_EQ(ops::describe_differences(compared), "");
}

/// Loss and gradient of one micro-batch with dropout.
LossAndGradient step_on(at::Device device, at::ScalarType type) {
  Gpt2Shape shape = small_shape();
  shape.n_embd = 128;  // two heads of 64
  const ParameterTable table = shape.parameters();
  const at::Tensor flat = busy_parameters(table).to(device);
  const at::Tensor gradient = at::zeros({table.trainable_numel()}, flat.options());
  const auto model = shape.make_model(table, device);
  const at::Tensor loss =
      model->train(batch_of(made_up_samples(shape)).to(device), make_weights(table, flat, type),
                   table.gradient_views(gradient), {0.2, 1.0, {}});
  return {loss.item<double>(), gradient.cpu()};
}

TEST_P(Gpu, ATrainingStepWithDropoutIsTheCpus) {
  const LossAndGradient cpu = step_on(at::kCPU, at::kFloat), gpu = step_on(kGpu, GetParam());
  const double allowed = GetParam() == at::kFloat ? 1e-4 : GetParam() == at::kHalf ? 0.01 : 0.05;
  EXPECT_NEAR(gpu.loss, cpu.loss, allowed * cpu.loss);
  EXPECT_LE(relative_distance(gpu.gradient, cpu.gradient), allowed);
}

/// Greedy texts of some prompts, in float32.
std::vector<std::vector<int32_t>> texts_on(at::Device device, const GenerationConfig& config) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const auto model = shape.make_model(table, device);
  const InferenceModel inference(
      *model, make_weights(table, busy_parameters(table).to(device), at::kFloat));
  CachedDecoder decoder(inference);
  EXPECT_EQ(decoder.can_run(), device.is_cuda());
  std::vector<Prompt> prompts;
  for (const MadeUpSample& sample : made_up_samples(shape))
    prompts.push_back(
        {{sample.tokens.begin(), sample.tokens.begin() + sample.prompt_tokens}, sample.key});
  return generate(decoder, prompts, config, {.end_tokens = {3, 7, 14, 26}});
}

TEST(GpuDecoding, RecordedStepsWriteTheTextsOfTheCpu) {
  for (const double temperature : {0.0, 1.0}) {
    GenerationConfig config;
    config.temperature = temperature;
    config.top_k = 20;
    config.max_new_tokens = 20;
    EXPECT_EQ(texts_on(kGpu, config), texts_on(at::kCPU, config)) << temperature;
  }
}

/// The small GPT's passes over batches of one class on the GPU, with half of them told when
/// gradients are final.
struct Passes {
  Passes(at::ScalarType type, bool is_recorded)
      : weights(make_weights(table, busy_parameters(table).to(kGpu), type)),
        passes(*model, weights, gradients,
               {is_recorded ? device_graphs_in_shared_memory() : nullptr,
                [this](const std::string& line) { warning = line; }}) {}
  /// Loss and gradient of a step of two micro-batches, and what was told.
  LossAndGradient step(uint64_t seed, double dropout) {
    gradient.zero_();
    passes.begin(1.0 / static_cast<double>(seed + 1));
    for (const bool is_last : {false, true}) {
      std::vector<MadeUpSample> samples = made_up_samples(shape);
      samples.resize(4);
      for (MadeUpSample& sample : samples) {
        sample.key += seed;
        sample.tokens[0] = static_cast<int32_t>(seed);
        if (is_last) sample.tokens.pop_back();
      }
      const RaggedBatch batch = batch_of(std::span(samples).first(3));
      const BatchShape shape_of_all = shape_class(batch_of(samples));
      passes.run(
          padded(batch, shape_of_all).to(kGpu), dropout,
          is_last
              ? [this](int64_t
                           count) { told.emplace_back(count, gradient.narrow(0, 0, count).norm()); }
              : RecordedPasses::GradientsFinal());
    }
    return {passes.loss().item<double>(), gradient.cpu()};
  }

  Gpt2Shape shape = [] {
    Gpt2Shape s = small_shape();
    s.n_embd = 128;
    return s;
  }();
  ParameterTable table = shape.parameters();
  at::Tensor gradient = at::zeros({table.trainable_numel()}, at::TensorOptions(kGpu));
  Gradients gradients = table.gradient_views(gradient);
  std::unique_ptr<LanguageModel> model = shape.make_model(table, kGpu);
  Weights weights;
  std::vector<std::pair<int64_t, at::Tensor>> told;
  std::string warning;
  RecordedPasses passes;
};

TEST_P(Gpu, ARecordedStepIsTheOneThatIsNot) {
  for (const double dropout : {0.2, 0.0}) {
    Passes plain(GetParam(), false), recorded(GetParam(), true);
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      const LossAndGradient a = plain.step(seed, dropout), b = recorded.step(seed, dropout);
      EXPECT_NEAR(b.loss, a.loss, 1e-6 * a.loss) << seed;
      // The embedding's sums come out in no fixed order.
      EXPECT_LE(relative_distance(b.gradient, a.gradient), 1e-5) << seed;
    }
    EXPECT_EQ(recorded.warning, "");
    ASSERT_EQ(recorded.told.size(), plain.told.size());
    for (size_t i = 0; i < plain.told.size(); ++i) {
      EXPECT_EQ(recorded.told[i].first, plain.told[i].first);
      const auto norm = plain.told[i].second.item<double>();
      EXPECT_NEAR(recorded.told[i].second.item<double>(), norm, 1e-4 * norm) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Gpu, ::testing::Values(at::kFloat, at::kHalf, at::kBFloat16),
                         [](const auto& of) { return std::string(c10::toString(of.param)); });

}  // namespace
}  // namespace precis
