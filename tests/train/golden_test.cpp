// The numbers of transformers and torch.optim.AdamW (tests/golden/training_golden.json): logits,
// loss, gradients and ten iterations of the whole step.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lib/huggingface/folder.h"
#include "lib/train/lr_schedule.h"
#include "lib/train/train_step.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;
using nlohmann::json;

/// The model and samples of the golden file, and the file.
struct Golden {
  json numbers;
  AnyShape shape;
  at::Tensor flat;  // float32 [numel]
  std::vector<MadeUpSample> samples;
  int64_t targets = 0;

  Golden() {
    std::ifstream file("tests/golden/training_golden.json");
    numbers = json::parse(file);
    const ImportedModel model = read_hugging_face("tests/golden/formats_gpt2/whole");
    shape = model.shape;
    flat = flat_of(model);
    for (const json& s : numbers["samples"]) {
      samples.push_back({s["tokens"].get<std::vector<int32_t>>(), s["prompt_tokens"].get<int64_t>(),
                         samples.size()});
      targets += static_cast<int64_t>(samples.back().tokens.size()) - samples.back().prompt_tokens;
    }
  }

  ParameterTable table() const { return shape->parameters(); }
  std::unique_ptr<LanguageModel> model() const { return shape->make_model(table(), at::kCPU); }
  Weights weights(at::ScalarType type) const { return make_weights(table(), flat, type); }

  /// A parameter of "gradients" or "weights".
  at::Tensor of(const char* kind, const ParameterSlot& slot) const {
    return at::tensor(numbers[kind][slot.name].get<std::vector<double>>()).view(slot.shape);
  }
  TrainConfig config() const {
    const json& s = numbers["settings"];
    TrainConfig config;
    config.learning_rate = s["learning_rate"];
    config.min_lr = s["min_lr"];
    config.warmup_iters = s["warmup_iters"];
    config.lr_decay_iters = s["lr_decay_iters"].get<int64_t>();
    config.weight_decay = s["weight_decay"];
    config.beta1 = s["beta1"];
    config.beta2 = s["beta2"];
    config.eps = s["eps"];
    config.grad_clip = s["grad_clip"];
    return config;
  }
};

double relative(double a, double b) {
  return std::abs(a - b) / std::abs(b);
}

TEST(TrainingGolden, LogitsAndLossAreThoseOfTransformers) {
  const Golden golden;
  const auto model = golden.model();
  const Weights weights = golden.weights(at::kFloat);
  const RaggedBatch batch = batch_of(golden.samples);
  const at::Tensor logits = model->logits(batch, weights, nullptr);
  std::vector<float> wanted;
  for (const json& sample : golden.numbers["logits"])
    for (const json& row : sample)
      for (const json& logit : row) wanted.push_back(logit.get<float>());
  ASSERT_EQ(logits.numel(), static_cast<int64_t>(wanted.size()));
  EXPECT_TRUE(at::allclose(logits.flatten(), at::tensor(wanted), 1e-5, 2e-5));
  const double loss = golden.numbers["iterations"][0]["loss"];
  EXPECT_LT(relative(model->loss(batch, weights).item<double>(), loss * golden.targets), 1e-6);
}

TEST(TrainingGolden, EveryGradientIsThatOfTransformers) {
  const Golden golden;
  const Weights weights = golden.weights(at::kFloat);
  const LossAndGradient ours = run_batches(
      *golden.shape, weights,
      {batch_of(std::span(golden.samples).first(4)), batch_of(std::span(golden.samples).last(2))},
      0.0, 1.0 / static_cast<double>(golden.targets));
  const ParameterTable table = golden.table();
  for (const ParameterSlot& slot : table.slots())
    EXPECT_LT(relative_distance(table.gradient_view(ours.gradient, slot).to(at::kDouble),
                                golden.of("gradients", slot)),
              1e-5)
        << slot.name;
}

/// Ten iterations in a compute type.
struct TenIterations {
  std::vector<StepResult> steps;
  at::Tensor master;

  TenIterations(const Golden& golden, at::ScalarType type) {
    static World world;  // MPI starts once a process
    const TrainConfig config = golden.config();
    const auto collectives = make_collectives("local", world, at::kCPU);
    FlatParameters parameters(golden.table(), golden.flat, type, at::kCPU, *collectives);
    AdamW optimizer(parameters, config);
    LossScaler scaler(type == at::kHalf);
    const auto model = golden.model();
    TrainStep step({*model, parameters, optimizer, scaler, *collectives, world}, config.grad_clip,
                   0.001);
    const std::vector<RaggedBatch> batches{batch_of(std::span(golden.samples).first(3)),
                                           batch_of(std::span(golden.samples).last(3))};
    for (int i = 0; i < 10; ++i)
      steps.push_back(step.run(
          batches, {{.target_tokens = golden.targets}, learning_rate(config, i), 0.0, false}));
    master = parameters.master().clone();
  }
};

TEST(TrainingGolden, TenIterationsAreThoseOfTorchsAdamW) {
  const Golden golden;
  const TenIterations ours(golden, at::kFloat);
  ASSERT_EQ(golden.numbers["iterations"].size(), ours.steps.size());
  for (size_t i = 0; i < ours.steps.size(); ++i) {
    const json& wanted = golden.numbers["iterations"][i];
    EXPECT_LT(relative(ours.steps[i].loss, wanted["loss"]), 1e-5) << i;
    EXPECT_LT(relative(ours.steps[i].grad_norm, wanted["grad_norm"]), 1e-4) << i;
    EXPECT_LT(relative(learning_rate(golden.config(), static_cast<int64_t>(i)), wanted["lr"]), 1e-7)
        << i;
  }
  const ParameterTable table = golden.table();
  for (const ParameterSlot& slot : table.slots()) {
    at::Tensor found = table.view(ours.master, slot).to(at::kDouble);
    at::Tensor wanted = golden.of("weights", slot);
    // A key's bias moves all scores of a query alike: its gradient is rounding alone, of which Adam
    // makes steps of any direction.
    if (slot.name.ends_with("c_attn.bias")) {
      const int64_t c = golden.numbers["settings"].value("n_embd", int64_t{8});
      found = at::cat({found.narrow(0, 0, c), found.narrow(0, 2 * c, c)});
      wanted = at::cat({wanted.narrow(0, 0, c), wanted.narrow(0, 2 * c, c)});
    }
    EXPECT_LT(relative_distance(found, wanted), 1e-4) << slot.name;
  }
}

class LowPrecision : public ::testing::TestWithParam<std::pair<at::ScalarType, const char*>> {};

/// The relative differences of two runs in one of their numbers, ascending.
std::vector<double> differences(const json& ours, const json& theirs, const char* what) {
  std::vector<double> found;
  for (size_t i = 0; i < theirs.size(); ++i)
    found.push_back(relative(ours[i][what], theirs[i][what]));
  std::ranges::sort(found);
  return found;
}

/// The stated bounds: at most three times as far from the exact numbers as torch's own mixed
/// precision is (bfloat16: 0.4 % of the loss, 0.2 % of the gradient norm; float16: 0.015 %,
/// 0.025 %). Of the gradient norm it is the median over the iterations: the last two hang on the
/// rounding of the ones before, and torch's own are 0.07 % off on one processor and 3.5 % on
/// another whose products of bfloat16 add up otherwise.
TEST_P(LowPrecision, StaysAsNearAsTorchsAutocast) {
  const auto [type, name] = GetParam();
  const Golden golden;
  json ours = json::array();
  for (const StepResult& step : TenIterations(golden, type).steps) {
    EXPECT_FALSE(step.skipped());
    ours.push_back({{"loss", step.loss}, {"grad_norm", step.grad_norm}});
  }
  const json &exact = golden.numbers["iterations"], &torch = golden.numbers["autocast"][name];
  const auto our_losses = differences(ours, exact, "loss");
  EXPECT_LT(our_losses.back(), 3 * differences(torch, exact, "loss").back());
  EXPECT_GT(our_losses.back(), 1e-5) << "was that float32?";
  const size_t middle = exact.size() / 2;
  EXPECT_LT(differences(ours, exact, "grad_norm")[middle],
            3 * differences(torch, exact, "grad_norm")[middle]);
}

INSTANTIATE_TEST_SUITE_P(Types, LowPrecision,
                         ::testing::Values(std::pair{at::kBFloat16, "bfloat16"},
                                           std::pair{at::kHalf, "float16"}));

}  // namespace
}  // namespace precis
