#include "lib/ops/packed_linear.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <tuple>

#include "lib/ops/packed_product.h"

namespace precis {
namespace {

double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

at::Tensor product_of(const at::Tensor& x, const ops::PackedWeight& weight,
                      const at::Tensor& bias) {
  const at::Tensor y = at::full({x.size(0), weight.out}, NAN, x.options());
  ops::packed_linear(x, weight, bias, y);
  return y;
}

TEST(PackedLinear, IsTheProductForAllSizes) {
  for (const int64_t out : {1, 15, 16, 17, 48, 50, 257})
    for (const int64_t in : {1, 7, 64, 768})
      for (const int64_t rows : {0, 1, 2, 5, 8, 11, 16, 67, 400}) {
        const at::Tensor weight = at::randn({out, in}), x = at::randn({rows, in}),
                         bias = at::randn({out});
        const at::Tensor wanted = at::linear(x.to(at::kDouble), weight.to(at::kDouble)),
                         found = product_of(x, ops::pack_weight(weight), {}),
                         biased = product_of(x, ops::pack_weight(weight), bias);
        EXPECT_TRUE(at::allclose(found.to(at::kDouble), wanted, 1e-4, 1e-4))
            << rows << " x " << in << " x " << out;
        EXPECT_TRUE(at::allclose(biased.to(at::kDouble), wanted + bias, 1e-4, 1e-4))
            << rows << " x " << in << " x " << out;
      }
}

TEST(PackedLinear, TakesTheBytesThatAreSaid) {
  for (const int64_t out : {1, 16, 50}) {
    const at::Tensor weight = at::randn({out, 7});
    const ops::PackedWeight whole = ops::pack_weight(weight), rounded = ops::pack_as_int8(weight),
                            half = ops::pack_weight(weight.to(at::kBFloat16));
    EXPECT_EQ(ops::packed_bytes(out, 7, at::kFloat), whole.panels.nbytes());
    EXPECT_EQ(ops::packed_bytes(out, 7, at::kBFloat16), half.panels.nbytes());
    EXPECT_EQ(ops::packed_bytes(out, 7, at::kChar),
              rounded.panels.nbytes() + rounded.scales.nbytes());
  }
}

TEST(PackedLinear, Bfloat16SumsInFloat32) {
  const at::Tensor weight = at::randn({100, 768}).to(at::kBFloat16),
                   x = at::randn({9, 768}).to(at::kBFloat16), bias = at::randn({100});
  const at::Tensor wanted =
      at::linear(x.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kBFloat16).to(at::kDouble));
  const at::Tensor found = product_of(x, ops::pack_weight(weight), bias.to(at::kBFloat16));
  EXPECT_EQ(found.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(found, wanted.to(at::kFloat).to(at::kBFloat16)) ||
              distance(found.to(at::kDouble), wanted) < 3e-3);
}

TEST(PackedLinear, ARowDoesNotDependOnTheRowsBesideIt) {
  const at::Tensor weight = at::randn({83, 129}), bias = at::randn({83});
  for (const ops::PackedWeight& packed : {ops::pack_weight(weight), ops::pack_as_int8(weight)})
    for (const int64_t rows : {5, 37, 100}) {
      const at::Tensor x = at::randn({rows, 129}), all = product_of(x, packed, bias);
      for (int64_t row = 0; row < rows; ++row) {
        const at::Tensor others = at::randn_like(x);
        others.select(0, row).copy_(x.select(0, row));
        EXPECT_TRUE(at::equal(product_of(others, packed, bias).select(0, row), all.select(0, row)))
            << row << " of " << rows;
      }
    }
}

TEST(PackedLinear, Int8RoundsEachOutputByItsOwnLargestWeight) {
  at::Tensor weight = at::randn({33, 256});
  weight.select(0, 3).mul_(1000);  // of one step for all nothing would be left of the others
  weight.select(0, 5).zero_();
  const ops::PackedWeight packed = ops::pack_as_int8(weight);
  const at::Tensor scales = std::get<0>(weight.abs().max(1)) / 127,
                   rounded =
                       (weight / scales.unsqueeze(1)).nan_to_num(0).round() * scales.unsqueeze(1),
                   x = at::randn({12, 256});
  EXPECT_TRUE(at::allclose(packed.scales, scales));
  EXPECT_LT(distance(product_of(x, packed, {}), at::linear(x, rounded)), 1e-5);
  EXPECT_GT(distance(product_of(x, packed, {}), at::linear(x, weight)), 1e-4);
}

/// What every supported CPU runs, and what one with AVX-512 does.
TEST(PackedLinear, BothSetsOfInstructionsAgree) {
  if (!cpu::avx512::is_supported()) GTEST_SKIP() << "this CPU has no AVX-512";
  const int64_t rows = 19, in = 200, out = 75, panels = (out + cpu::kPanel - 1) / cpu::kPanel;
  const at::Tensor weight = at::randn({out, in}), x = at::randn({rows, in}),
                   bias = at::randn({out}), a = at::empty({rows, out}), b = at::empty({rows, out});
  const ops::PackedWeight dense = ops::pack_weight(weight), eight = ops::pack_as_int8(weight),
                          half = ops::pack_weight(weight.to(at::kBFloat16));
  const auto product = [&](const ops::PackedWeight& packed, const at::Tensor& y) {
    return cpu::PackedProduct{
        x.const_data_ptr<float>(),
        rows,
        in,
        out,
        packed.panels.const_data_ptr(),
        packed.scales.defined() ? packed.scales.const_data_ptr<float>() : nullptr,
        bias.const_data_ptr<float>(),
        y.mutable_data_ptr<float>()};
  };
  cpu::multiply_panels<float>(product(dense, a), 0, panels);
  cpu::avx512::multiply_panels<float>(product(dense, b), 0, panels);
  EXPECT_LT(distance(a, b), 1e-6);
  cpu::multiply_panels<int8_t>(product(eight, a), 0, panels);
  cpu::avx512::multiply_panels<int8_t>(product(eight, b), 0, panels);
  EXPECT_LT(distance(a, b), 1e-6);
  cpu::multiply_panels<uint16_t>(product(half, a), 0, panels);
  cpu::avx512::multiply_panels<uint16_t>(product(half, b), 0, panels);
  EXPECT_LT(distance(a, b), 1e-6);
}

}  // namespace
}  // namespace precis
