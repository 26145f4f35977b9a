// How many kernels a micro-batch starts on a GPU: counted on the executor and in ATen, and told by
// the one table that `bench step --count` prints.
#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <set>
#include <string>

#include "lib/ops/route.h"
#include "tests/support/executor.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;

/// Counts the operators of ATen that start a kernel on a GPU, while it lives. What one of them
/// calls in its turn counts as part of it, and what is not named makes views or memory.
class OperatorCount {
 public:
  OperatorCount() {
    current = this;
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(&OperatorCount::begin, &OperatorCount::end)
            .scopes({at::RecordScope::FUNCTION}));
  }
  OperatorCount(const OperatorCount&) = delete;
  OperatorCount& operator=(const OperatorCount&) = delete;
  ~OperatorCount() {
    at::removeCallback(handle_);
    current = nullptr;
  }
  int64_t launches() const { return launches_; }
  const std::string& names() const { return names_; }

 private:
  struct Inside : at::ObserverContext {};

  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
    static const std::set<std::string> kernels{
        "aten::mm",           "aten::addmm", "aten::add_",      "aten::copy_",
        "aten::index_select", "aten::fill_", "aten::zero_",     "aten::sum",
        "aten::index_copy_",  "aten::mul_",  "aten::index_add_"};
    if (current == nullptr || !kernels.contains(function.name())) return nullptr;
    if (current->depth_++ == 0) {
      ++current->launches_;
      current->names_ += std::string(function.name()) + " ";
    }
    return std::make_unique<Inside>();
  }
  static void end(const at::RecordFunction&, at::ObserverContext* inside) {
    if (current != nullptr && inside != nullptr) --current->depth_;
  }

  static thread_local OperatorCount* current;
  at::CallbackHandle handle_{};
  int64_t launches_ = 0, depth_ = 0;
  std::string names_;
};
thread_local OperatorCount* OperatorCount::current = nullptr;

Gpt2Shape shape_of(int64_t layers, bool bias, bool tanh) {
  Gpt2Shape shape = small_shape();
  shape.n_layer = layers;
  shape.bias = bias;
  shape.gelu_tanh = tanh;
  return shape;
}

struct Launches {
  int64_t counted, told;
  std::string operators;
};

Launches of_micro_batch(const Gpt2Shape& shape) {
  const ParameterTable table = shape.parameters();
  const Weights weights = make_weights(table, busy_parameters(table), at::kFloat);
  const std::vector<MadeUpSample> samples = made_up_samples(shape);
  const RaggedBatch batch = batch_of(samples);
  const at::Tensor gradient = at::zeros({table.trainable_numel()}, at::kFloat);
  const auto model = shape.make_model(table, at::kCPU);
  const Executor executor;
  const ops::RouteGuard guard(ops::Route::kDevice);
  const Gradients views = table.gradient_views(gradient);
  const OperatorCount count;
  model->train(batch, weights, views, {0.1, 1.0, {}});
  const auto told = shape.operation_counts(
      {batch.num_samples(), batch.num_tokens(), batch.num_targets()}, sizeof(float));
  return {executor.launches() + count.launches(),
          std::accumulate(told.begin(), told.end(), int64_t{0},
                          [](int64_t sum, const OperationCount& o) { return sum + o.launches; }),
          count.names()};
}

TEST(Launches, AreAsManyAsTheTableTellsAndAtMostThirtyABlock) {
  for (const bool bias : {true, false}) {
    const Launches two = of_micro_batch(shape_of(2, bias, /*tanh=*/false)),
                   three = of_micro_batch(shape_of(3, bias, /*tanh=*/false)),
                   fused = of_micro_batch(shape_of(2, bias, /*tanh=*/true));
    EXPECT_EQ(two.counted, two.told) << two.operators;
    EXPECT_EQ(three.counted, three.told);
    EXPECT_LE(three.counted - two.counted, 30);
    EXPECT_GT(three.counted - two.counted, 15);
    EXPECT_EQ(fused.counted, fused.told) << fused.operators;
    EXPECT_EQ(two.counted - fused.counted, 2 * (bias ? 1 : 2));  // products make its GELU
  }
}

}  // namespace
}  // namespace precis
