// GELU on the CPU against float64, over the whole range of its argument.
#include "lib/ops/gelu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>

namespace precis {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// [rows, 129] from far below 0 to far above; a width that no vector divides.
at::Tensor arguments(int64_t rows, double reach) {
  return at::linspace(-reach, reach, rows * 129).view({rows, 129});
}

class Gelu : public testing::TestWithParam<bool> {
 protected:
  const char* kind() const { return GetParam() ? "tanh" : "none"; }
  at::Tensor forward(const at::Tensor& x) const {
    const at::Tensor out = at::full_like(x, NAN);
    ops::gelu(x, GetParam(), out);
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, Gelu, testing::Values(true, false));

TEST_P(Gelu, IsFloat64sToSevenDigits) {
  for (const double reach : {0.01, 1.0, 6.0, 30.0}) {
    const at::Tensor x = arguments(40, reach), wide = x.to(at::kDouble);
    const at::Tensor grad = at::randn_like(x), wanted = at::gelu(wide, kind()),
                     slope = at::gelu_backward(grad.to(at::kDouble), wide, kind());
    at::Tensor grad_x = at::full_like(x, NAN);
    ops::gelu_backward(grad, x, GetParam(), grad_x, {});
    EXPECT_TRUE(at::allclose(forward(x).to(at::kDouble), wanted, 1e-6, 2e-7 * reach)) << reach;
    EXPECT_TRUE(at::allclose(grad_x.to(at::kDouble), slope, 2e-6, 2e-6)) << reach;
  }
}

TEST_P(Gelu, NarrowTypesAreRoundedOnce) {
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    const at::Tensor x = arguments(9, 5).to(type), wide = x.to(at::kFloat);
    const double ulp = type == at::kHalf ? 1e-3 : 8e-3;
    EXPECT_TRUE(at::allclose(forward(x).to(at::kFloat), at::gelu(wide, kind()), ulp / 2, 1e-5));
  }
}

TEST_P(Gelu, BackwardOverwritesItsGradientAndAddsItsSums) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = arguments(67, 4).to(type), grad = at::randn({67, 129}).to(type);
    at::Tensor apart = at::empty_like(x), in_place = grad.clone(), sums = at::ones({129});
    ops::gelu_backward(grad, x, GetParam(), apart, {});
    ops::gelu_backward(in_place, x, GetParam(), in_place, sums);
    EXPECT_TRUE(at::equal(apart, in_place));
    EXPECT_TRUE(at::allclose(sums, apart.to(at::kFloat).sum(0) + 1, 1e-5, 1e-4));
  }
}

TEST_P(Gelu, ThreadsDoNotChangeABit) {
  const at::Tensor x = at::randn({100, 1000}) * 2, grad = at::randn({100, 1000});
  at::Tensor out[2], grad_x[2], sums[2];
  const int threads = at::get_num_threads();
  for (int i = 0; i < 2; ++i) {
    at::set_num_threads(i == 0 ? 1 : 3);
    out[i] = forward(x);
    grad_x[i] = at::empty_like(x);
    sums[i] = at::zeros({1000});
    ops::gelu_backward(grad, x, GetParam(), grad_x[i], sums[i]);
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(out[0], out[1]));
  EXPECT_TRUE(at::equal(grad_x[0], grad_x[1]));
  EXPECT_TRUE(at::equal(sums[0], sums[1]));
}

TEST_P(Gelu, FarFromZeroItIsALine) {
  for (const float far : {20.0F, 1e4F, 1e10F}) {
    const at::Tensor x = at::tensor({far, -far}), ones = at::ones({2});
    at::Tensor slope = at::empty({1, 2});
    ops::gelu_backward(ones.view({1, 2}), x.view({1, 2}), GetParam(), slope, {});
    EXPECT_TRUE(at::equal(forward(x), at::tensor({far, 0.0F}))) << far;
    EXPECT_TRUE(at::equal(slope.view(2), at::tensor({1.0F, 0.0F}))) << far;
  }
}

double cpu_seconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double begin = now();
  work();
  return now() - begin;
}

// Ten times the time went to subnormal numbers that nothing came of, in the forward alone.
TEST_P(Gelu, ForwardIsNoSlowerThanBackward) {
  const at::Tensor x = at::randn({400, 1000}), grad = at::randn_like(x);
  at::Tensor out = at::empty_like(x);
  double best[2] = {1e9, 1e9};
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  for (int i = 0; i < 7; ++i) {
    best[0] = std::min(best[0], cpu_seconds([&] { ops::gelu(x, GetParam(), out); }));
    best[1] =
        std::min(best[1], cpu_seconds([&] { ops::gelu_backward(grad, x, GetParam(), out, {}); }));
  }
  at::set_num_threads(threads);
  EXPECT_LT(best[0], 1.5 * best[1]);
}

TEST_P(Gelu, WhatIsNotANumberStaysSo) {
  const at::Tensor x = at::ones({3, 20});
  x[1][7] = NAN;
  x[2][3] = kInfinity;
  const at::Tensor y = forward(x);
  EXPECT_TRUE(std::isnan(y[1][7].item<float>()));
  EXPECT_EQ(y[2][3].item<float>(), kInfinity);
  EXPECT_EQ(y.isfinite().sum().item<int64_t>(), 58);
}

}  // namespace
}  // namespace precis
