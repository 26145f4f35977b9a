// The self-test that a GPU goes through, on the executor: all agrees, and whatever one of our
// kernels leaves undone is noticed.
#include "lib/ops/self_test.h"

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include "tests/support/executor.h"

namespace precis {
namespace {

using ops::SelfTest;
using testing::Executor;

TEST(SelfTest, AllOperationsAgree) {
  const Executor executor;
  for (const at::ScalarType type : {at::kFloat, at::kHalf, at::kBFloat16}) {
    const auto compared = ops::compare_with_cpu(at::kCPU, type, SelfTest::kShort);
    EXPECT_GE(compared.size(), 11U);
    EXPECT_EQ(ops::describe_differences(compared), "") << type;
  }
}

TEST(SelfTest, AKernelThatDoesNothingIsNoticed) {
  // Fresh memory is NaN, and not what the run before left there.
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  Executor whole;
  ops::compare_with_cpu(at::kCPU, at::kHalf, SelfTest::kShort);
  ASSERT_GE(whole.launches(), 20);
  for (int64_t lost = 0; lost < whole.launches(); ++lost) {
    Executor executor;
    executor.lose_launch(lost);
    const auto compared = ops::compare_with_cpu(at::kCPU, at::kHalf, SelfTest::kShort);
    EXPECT_NE(ops::describe_differences(compared), "") << "launch " << lost;
  }
}

TEST(SelfTest, DifferencesAreNamedWithTheirFigures) {
  EXPECT_EQ(
      ops::describe_differences(
          {{"GELU", 1e-3, 1e-2, {}}, {"sums", 0.5, 1e-3, {}}, {"norm", 2, 1, "no kernel image"}}),
      "sums: 0.5 apart, 0.001 allowed; norm: no kernel image");
}

}  // namespace
}  // namespace precis
