// The first contact with a GPU: every operation and a whole training step against the CPU.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

#include "lib/comm/devices.h"
#include "lib/ops/self_test.h"
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

INSTANTIATE_TEST_SUITE_P(Types, Gpu, ::testing::Values(at::kFloat, at::kHalf, at::kBFloat16),
                         [](const auto& of) { return std::string(c10::toString(of.param)); });

}  // namespace
}  // namespace precis
