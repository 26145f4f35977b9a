// A norm's backward over more rows than its sums take at a time, against ATen's operators.
#include "lib/ops/norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include "lib/ops/norm_aten.h"

namespace precis {
namespace {

constexpr int64_t kRows = 207, kChannels = 200;

/// A forward that was made, and what comes from above.
struct Case {
  ops::RowIds rows{at::arange(kRows) * 31, at::arange(kRows) % 50};
  ops::RowDropout drop{rows, Dropout(0.2, DropoutSite::mlp_output(1))};
  ops::Norm norm{at::randn({kChannels}), at::randn({kChannels}), 1e-5};
  ops::NormState state{at::empty({kRows, kChannels}), at::empty({kRows}), at::empty({kRows})};
  at::Tensor grad_h = at::randn({kRows, kChannels}), residual = at::randn({kRows, kChannels});

  Case() {
    ops::residual_norm(at::randn({kRows, kChannels}), at::randn({kRows, kChannels}), drop, norm,
                       state, at::empty({kRows, kChannels}));
  }
  /// grad_y over grad_h, as the model has it.
  ops::NormGradients backward(bool composed) const {
    const at::Tensor grad_y = grad_h.clone();
    ops::NormGradients out{residual.clone(),
                           grad_y,
                           at::ones({kChannels}),
                           {at::ones({kChannels}), at::ones({kChannels}), 1e-5}};
    if (composed) {
      ops::aten::residual_norm_backward(grad_y, drop, norm, state, out);
      out.grad_y_sums.add_(out.grad_y.sum(0));
    } else {
      ops::residual_norm_backward(grad_y, drop, norm, state, out);
    }
    return out;
  }
};

std::vector<at::Tensor> all(const ops::NormGradients& g) {
  return {g.residual, g.grad_y, g.grad_y_sums, g.norm.weight, g.norm.bias};
}

TEST(NormBackward, IsThatOfTensorsWithTheSumsOnTheWay) {
  const Case c;
  const auto ours = all(c.backward(false)), wanted = all(c.backward(true));
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_TRUE(at::allclose(ours[i], wanted[i], 1e-5, 1e-4)) << i;
    EXPECT_GT(ours[i].abs().max().item<float>(), 2) << i;
  }
}

TEST(NormBackward, ThreadsDoNotChangeABit) {
  const Case c;
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = all(c.backward(false));
  at::set_num_threads(3);
  const auto three = all(c.backward(false));
  at::set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(at::equal(one[i], three[i])) << i;
}

TEST(NormBackward, WhatIsNotWantedIsNotTouched) {
  const Case c;
  const ops::NormGradients whole = c.backward(false);
  const at::Tensor residual = c.residual.clone();
  ops::residual_norm_backward(c.grad_h, c.drop, c.norm, c.state, {residual, {}, {}, {}});
  EXPECT_TRUE(at::equal(residual, whole.residual));
}

}  // namespace
}  // namespace precis
