#include "lib/ops/split_product.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "lib/ops/cpu_product.h"
#include "lib/ops/linear.h"
#include "lib/ops/packed_linear.h"
#include "lib/ops/split_tiles.h"

namespace precis::cpu {
namespace {

/// What the CPU's tiles compute, for machines that have none.
class PlainTiles {
 public:
  void clear() {
    for (auto& row : sums_)
      for (float& sum : row) sum = 0;
  }
  void load(const float* from, int64_t stride) {
    for (int64_t i = 0; i < kSize; ++i)
      for (int64_t j = 0; j < kSize; ++j) sums_[i][j] = from[i * stride + j];
  }
  void store(float* to, int64_t stride) const {
    for (int64_t i = 0; i < kSize; ++i)
      for (int64_t j = 0; j < kSize; ++j) to[i * stride + j] = sums_[i][j];
  }
  void add(const uint16_t* a, const uint16_t* b, bool /*one_strip*/) {
    add(a, b, {{0, 2}, {0, 1}, {1, 1}, {1, 0}, {2, 0}, {0, 0}});
  }
  void add_integers(const uint16_t* a, const uint16_t* b, bool /*one_strip*/) {
    add(a, b, {{2, 0}, {1, 0}, {0, 0}});
  }

 private:
  void add(const uint16_t* a, const uint16_t* b, const std::vector<std::pair<int, int>>& pairs) {
    for (const auto& [left, right] : pairs)
      for (int64_t i = 0; i < kSize; ++i)
        for (int64_t j = 0; j < kSize; ++j) {
          double sum = sums_[i][j];
          for (int64_t k = 0; k < kTileInner; ++k)
            sum += value(a + left * 2 * kTile + i / kStrip * kTile + i % kStrip * kTileInner + k) *
                   value(b + right * 2 * kTile + j / kStrip * kTile + k / 2 * kTileInner +
                         2 * (j % kStrip) + k % 2);
          sums_[i][j] = static_cast<float>(sum);
        }
  }
  static constexpr int64_t kSize = 2 * kStrip;
  static float value(const uint16_t* bfloat16) {
    const uint32_t bits = static_cast<uint32_t>(*bfloat16) << 16;
    float wide;
    std::memcpy(&wide, &bits, sizeof(wide));
    return wide;
  }
  float sums_[kSize][kSize] = {};
};

class Scratch {
 public:
  Scratch(int64_t rows, int64_t inner)
      : memory_(::operator new (static_cast<size_t>(split_scratch(rows, inner)),
                                std::align_val_t{64})) {}
  void* data() const { return memory_.get(); }

 private:
  struct Free {
    void operator()(void* memory) const { ::operator delete (memory, std::align_val_t{64}); }
  };
  std::unique_ptr<void, Free> memory_;
};

/// Both kinds of tiles, where the CPU has its own.
enum class Kind { kPlain, kAmx };

void multiply(Kind kind, const SplitProduct& product, const ProductPart& part) {
  const Scratch scratch(part.rows, product.inner);
  if (kind == Kind::kAmx) return amx::multiply(product, part, scratch.data());
  PlainTiles tiles;
  multiply_part(tiles, product, part, static_cast<uint16_t*>(scratch.data()));
}

class SplitProducts : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kAmx && !amx::is_supported())
      GTEST_SKIP() << "this CPU has no tiles of bfloat16";
  }
};

double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a.to(at::kDouble) - b).norm() / b.norm()).item<double>();
}

SplitFactor factor_of(const at::Tensor& lines, bool by_rows, at::Tensor& memory) {
  memory = by_rows ? lines.contiguous() : lines.t().contiguous();
  const auto* data = memory.const_data_ptr<float>();
  return by_rows ? lines_are_rows(data, lines.size(0), lines.size(1))
                 : lines_are_columns(data, lines.size(0), lines.size(0));
}

/// y [rows, columns] of a split product whose factors lie in memory as told.
at::Tensor product_of(Kind kind, const at::Tensor& a, bool a_by_rows, const at::Tensor& b,
                      bool b_by_rows, const at::Tensor& bias = {}, const at::Tensor& to = {}) {
  at::Tensor left, right, y = to.defined() ? to.clone() : at::full({a.size(0), b.size(0)}, NAN);
  multiply(kind,
           {factor_of(a, a_by_rows, left), factor_of(b, b_by_rows, right), a.size(1), nullptr,
            bias.defined() ? bias.const_data_ptr<float>() : nullptr, y.data_ptr<float>(), b.size(0),
            to.defined()},
           {0, a.size(0), 0, b.size(0)});
  return y;
}

constexpr double kFloat32 = 4e-7;  // a float32 product of some hundred numbers: 1 to 2e-7

TEST_P(SplitProducts, AreAsExactAsFloat32HoweverMatricesLie) {
  for (const auto& [rows, columns, inner] :
       {std::array<int64_t, 3>{32, 32, 64}, {64, 96, 400}, {1, 1, 1}, {17, 50, 33}, {47, 15, 785}})
    for (const bool a_by_rows : {true, false})
      for (const bool b_by_rows : {true, false}) {
        const at::Tensor a = at::randn({rows, inner}), b = at::randn({columns, inner}),
                         wanted = at::mm(a.to(at::kDouble), b.to(at::kDouble).t());
        const at::Tensor y = product_of(GetParam(), a, a_by_rows, b, b_by_rows);
        EXPECT_LT(distance(y, wanted), kFloat32)
            << rows << " x " << columns << " x " << inner << ", lines of a by "
            << (a_by_rows ? "rows" : "columns") << ", of b by " << (b_by_rows ? "rows" : "columns");
      }
}

TEST_P(SplitProducts, NeedAllSixProductsOfTheParts) {
  // Numbers of one, two and three parts, so that each product of parts is seen.
  const double numbers[] = {1, 1 + 0x1p-9, 1 + 0x1p-9 + 0x1p-18};
  for (int left = 0; left < 3; ++left)
    for (int right = 0; left + right < 3; ++right) {
      const at::Tensor a = at::full({32, 32}, numbers[left]),
                       b = at::full({32, 32}, numbers[right]);
      const double wanted = 32.0 * numbers[left] * numbers[right];
      const at::Tensor y = product_of(GetParam(), a, true, b, true);
      EXPECT_NEAR(y[3][5].item<double>(), wanted, wanted * 0x1p-22) << left << ", " << right;
    }
}

TEST_P(SplitProducts, AddToWhatIsThereAndToABias) {
  for (const int64_t inner : {40, 800}) {
    const at::Tensor a = at::randn({70, inner}), b = at::randn({45, inner}), bias = at::randn({45}),
                     before = at::randn({70, 45}),
                     plain = at::mm(a.to(at::kDouble), b.to(at::kDouble).t());
    EXPECT_LT(distance(product_of(GetParam(), a, true, b, true, bias), plain + bias), kFloat32);
    EXPECT_LT(distance(product_of(GetParam(), a, true, b, true, {}, before), plain + before),
              kFloat32);
  }
}

TEST_P(SplitProducts, ANumberDoesNotDependOnTheLinesBesideItsOwn) {
  const at::Tensor a = at::randn({67, 500}), b = at::randn({50, 500}), bias = at::randn({50}),
                   all = product_of(GetParam(), a, true, b, true, bias);
  for (const int64_t row : {0, 31, 40, 66}) {
    const at::Tensor alone = product_of(GetParam(), a.narrow(0, row, 1), true, b, true, bias);
    EXPECT_TRUE(at::equal(alone, all.narrow(0, row, 1))) << row;
  }
  // Neither on the part of y that a call is about.
  at::Tensor left, right, y = at::full({67, 50}, NAN);
  const SplitProduct product{factor_of(a, true, left),     factor_of(b, true, right), 500, nullptr,
                             bias.const_data_ptr<float>(), y.data_ptr<float>(),       50,  false};
  for (const int64_t row : {0, 48})
    for (const int64_t column : {0, 16})
      multiply(GetParam(), product,
               {row, row == 0 ? 48 : 19, column, column == 0 ? 16 : int64_t{34}});
  EXPECT_TRUE(at::equal(y, all));
}

TEST_P(SplitProducts, IntegersAreTakenAsTheyAre) {
  for (const auto& [rows, columns, inner] :
       {std::array<int64_t, 3>{16, 64, 64}, {9, 50, 801}, {30, 33, 1000}, {70, 17, 33}}) {
    const at::Tensor a = at::randn({rows, inner}), scales = at::rand({columns}) + 0.5,
                     bias = at::randn({columns}),
                     b = at::randint(-127, 128, {columns, inner}).to(at::kFloat);
    const int64_t panels = (columns + 15) / 16;
    const at::Tensor padded = at::zeros({panels * 16, inner});
    padded.narrow(0, 0, columns).copy_(b);
    const at::Tensor packed =
        padded.view({panels, 16, inner}).transpose(1, 2).to(at::kChar).contiguous();
    at::Tensor left, y = at::full({rows, columns}, NAN);
    multiply(GetParam(),
             {factor_of(a, true, left),
              {packed.const_data_ptr(), columns, 16 * inner, 1, 16, true},
              inner,
              scales.const_data_ptr<float>(),
              bias.const_data_ptr<float>(),
              y.data_ptr<float>(),
              columns,
              false},
             {0, rows, 0, columns});
    const at::Tensor sums = at::mm(a.to(at::kDouble), b.to(at::kDouble).t());
    EXPECT_LT(distance(y, sums * scales + bias), kFloat32);
  }
}

TEST_P(SplitProducts, StayWithinTheirScratchMemory) {
  const at::Tensor a = at::randn({96, 3000}), b = at::randn({40, 3000});
  at::Tensor left, right, y = at::full({96, 40}, NAN);
  const SplitProduct product{factor_of(a, true, left),
                             factor_of(b, true, right),
                             3000,
                             nullptr,
                             nullptr,
                             y.data_ptr<float>(),
                             40,
                             false};
  constexpr int64_t kGuard = 1 << 20;
  const int64_t most = split_scratch(64, 3000);  // of the larger part
  const at::Tensor memory = at::full({most + kGuard + 64}, 77, at::kByte);
  auto* begin = memory.data_ptr<uint8_t>();
  begin += 64 - reinterpret_cast<uintptr_t>(begin) % 64;
  PlainTiles plain;
  for (const ProductPart& part : {ProductPart{0, 64, 0, 40}, ProductPart{64, 32, 0, 40}}) {
    if (GetParam() == Kind::kAmx)
      amx::multiply(product, part, begin);
    else
      multiply_part(plain, product, part, reinterpret_cast<uint16_t*>(begin));
  }
  EXPECT_TRUE(std::all_of(begin + most, begin + most + kGuard - 64,
                          [](uint8_t byte) { return byte == 77; }));
  EXPECT_LT(distance(y, at::mm(a.to(at::kDouble), b.to(at::kDouble).t())), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Tiles, SplitProducts, ::testing::Values(Kind::kPlain, Kind::kAmx),
                         [](const auto& each) -> std::string {
                           return each.param == Kind::kPlain ? "Plain" : "Amx";
                         });

constexpr double kLongSums = 1e-6;  // of thousands of numbers

/// All threads, and parts of all sizes.
TEST(CpuProduct, IsTheProductForAllShapes) {
  if (!amx::is_supported()) GTEST_SKIP() << "this CPU has no tiles of bfloat16";
  for (const auto& [rows, columns, inner] : {std::array<int64_t, 3>{48, 5000, 64},
                                             {1500, 64, 100},
                                             {700, 333, 385},
                                             {50, 50, 3000},
                                             {96, 64, 3000}}) {
    ASSERT_TRUE(ops::cpu_product::splits(rows, columns, inner, /*integers=*/false));
    const at::Tensor x = at::randn({rows, inner}), weight = at::randn({columns, inner}),
                     bias = at::randn({columns}), y = at::full({rows, columns}, NAN),
                     wide_x = x.to(at::kDouble), wide_weight = weight.to(at::kDouble);
    ops::linear(x, weight, bias, y);
    EXPECT_LT(distance(y, at::linear(wide_x, wide_weight, bias.to(at::kDouble))), kLongSums);
    ops::packed_linear(x, ops::pack_weight(weight), bias, y.fill_(NAN));
    EXPECT_LT(distance(y, at::linear(wide_x, wide_weight, bias.to(at::kDouble))), kLongSums);
    const ops::PackedWeight rounded = ops::pack_as_int8(weight);
    const at::Tensor steps = (wide_weight / rounded.scales.unsqueeze(1)).round(),
                     near = steps * rounded.scales.unsqueeze(1);
    ops::packed_linear(x, rounded, bias, y.fill_(NAN));
    EXPECT_LT(distance(y, at::linear(wide_x, near.to(at::kDouble), bias.to(at::kDouble))), 1e-4);
    const at::Tensor grad_y = at::randn({rows, columns}), grad_x = at::full({rows, inner}, NAN),
                     grad_weight = at::ones({columns, inner}), wide_grad = grad_y.to(at::kDouble);
    ops::linear_backward(grad_y, x, weight, grad_weight, grad_x);
    EXPECT_LT(distance(grad_x, at::mm(wide_grad, wide_weight)), kLongSums);
    EXPECT_LT(distance(grad_weight, at::mm(wide_grad.t(), wide_x) + 1), kLongSums);
  }
}

}  // namespace
}  // namespace precis::cpu
