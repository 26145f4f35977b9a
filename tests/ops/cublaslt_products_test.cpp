// Linear layers by way of cuBLASLt, from tensors to its descriptors, with a fake cuBLASLt that
// computes what the descriptors say on the CPU's memory: whatever is wired wrongly gives other
// numbers. Built with the GPU side, run without a GPU.
#include "lib/ops/cublaslt_products.h"

#include <ATen/ATen.h>
#include <cublasLt.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "lib/ops/device_kernels.h"
#include "lib/ops/linear.h"
#include "lib/ops/product_plans.h"
#include "lib/ops/route.h"
#include "tests/support/fake_cublaslt.h"

namespace precis {
namespace {

using namespace ops;  // NOLINT: what is tested
using testing::FakeCublasLt;

/// cuBLASLt as it is on a stream; the algorithm offered last is the fastest.
class Library : public ProductLibrary {
 public:
  Library() { current = this; }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() override { current = nullptr; }

  bool run(const Product& product) {
    ++asked;
    const ProductAlgorithm* algorithm = plans_.choose(product, /*measure=*/true);
    return algorithm != nullptr && cublaslt_run(place, product, *algorithm);
  }
  std::vector<ProductAlgorithm> algorithms(const Product& product, int at_most) override {
    return cublaslt_algorithms(place, product, at_most);
  }
  bool accepts(const Product& product, const ProductAlgorithm& algorithm) override {
    return cublaslt_accepts(place, product, algorithm);
  }
  double seconds(const Product&, const ProductAlgorithm& algorithm) override {
    return 1.0 / static_cast<double>(algorithm.words[0] & 0xF);
  }
  bool is_recording() override { return false; }

  static thread_local Library* current;
  CublasLtPlace place{nullptr, nullptr, nullptr, 4096};
  int asked = 0;

 private:
  ProductPlans plans_{*this};
};
thread_local Library* Library::current = nullptr;

void expect_near(const at::Tensor& a, const at::Tensor& b, const char* what) {
  const double relative = a.scalar_type() == at::kFloat  ? 1e-6
                          : a.scalar_type() == at::kHalf ? 1e-3
                                                         : 8e-3;
  ASSERT_EQ(a.sizes(), b.sizes()) << what;
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  ASSERT_TRUE(at::isfinite(x).all().item<bool>()) << what;
  EXPECT_LE((x - y).norm().item<double>(), relative * y.norm().item<double>()) << what;
}

at::Tensor wide(const at::Tensor& a) {
  return a.to(at::kDouble);
}

class CublasLt : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  CublasLt() { at::manual_seed(7); }
  ~CublasLt() override {
    EXPECT_EQ(fake.alive, 0) << "descriptors are left";
    EXPECT_EQ(fake.products, library.asked) << "cuBLASLt did not make them all";
  }
  /// Rows that begin further apart than they are long; what lies between them is 77.
  at::Tensor random(int64_t rows, int64_t columns, int64_t stride) const {
    const at::Tensor whole = at::full({rows, stride}, 77, type_);
    at::Tensor inner = whole.narrow(1, 0, columns);
    inner.copy_(at::randn({rows, columns}));
    return inner;
  }
  at::Tensor random(int64_t rows, int64_t columns) const { return random(rows, columns, columns); }
  at::Tensor bias(int64_t n) const { return at::randn({n}).to(type_); }

  FakeCublasLt fake;
  Library library;
  at::ScalarType type_ = GetParam();
  RouteGuard guard_{Route::kDevice};
};

/// What a matrix of this stride has behind its columns is as it was.
void expect_whole(const at::Tensor& matrix, int64_t stride) {
  const int64_t rows = matrix.size(0), columns = matrix.size(1);
  const at::Tensor behind = matrix.as_strided({rows - 1, stride - columns}, {stride, 1},
                                              matrix.storage_offset() + columns);
  EXPECT_TRUE(behind.eq(77).all().item<bool>());
}

TEST_P(CublasLt, Forward) {
  for (const auto& [rows, in, out] :
       {std::array{5, 24, 16}, std::array{1, 7, 3}, std::array{33, 1, 40}, std::array{17, 40, 1}}) {
    const at::Tensor x = random(rows, in), weight = random(out, in), b = bias(out);
    const at::Tensor product = wide(x).mm(wide(weight).t());
    const at::Tensor y = random(rows, out);
    linear(x, weight, {}, y);
    expect_near(y, product, "without a bias");
    linear(x, weight, b, y);
    expect_near(y, product + wide(b), "with a bias");
  }
}

TEST_P(CublasLt, LogitsWhoseRowsArePadded) {
  const int64_t rows = 9, c = 16, v = 103, stride = 128;
  const at::Tensor h = random(rows, c), wte = random(v, c), logits = random(rows, v, stride);
  linear(h, wte, {}, logits);
  expect_near(logits, wide(h).mm(wide(wte).t()), "logits");
  expect_whole(logits, stride);
  const at::Tensor grad_wte = at::randn({v, c}), grad_h = random(rows, c, 24);
  const at::Tensor before = grad_wte.clone();
  linear_backward(logits, h, wte, grad_wte, grad_h);
  expect_near(grad_wte, before + wide(logits).t().mm(wide(h)), "gradient of the weight");
  expect_near(grad_h, wide(logits).mm(wide(wte)), "gradient of the input");
  expect_whole(grad_h, 24);
}

TEST_P(CublasLt, GradientsOfWeightsAreAddedInFloat32) {
  const at::Tensor grad_y = at::full({300, 8}, 30, type_), x = at::full({300, 6}, 30, type_),
                   grad_weight = at::full({8, 6}, 0.25F);
  linear_backward(grad_y, x, {}, grad_weight, {});
  EXPECT_TRUE(grad_weight.eq(300 * 900 + 0.25F).all().item<bool>());
}

TEST_P(CublasLt, GeluInTheEpilogue) {
  const int64_t rows = 11, c = 9, wide_c = 40;
  const at::Tensor x = random(rows, c), weight = random(wide_c, c), b = bias(wide_c);
  for (const bool with_bias : {true, false}) {
    at::Tensor expected = wide(x).mm(wide(weight).t());
    if (with_bias) expected += wide(b);
    const at::Tensor pre = random(rows, wide_c, 48), out = random(rows, wide_c);
    linear_gelu(x, weight, with_bias ? b : at::Tensor(), /*tanh=*/true, pre, out);
    expect_near(pre, expected, "what goes into the GELU");
    expect_near(out, at::gelu(expected, "tanh"), "GELU");
    expect_whole(pre, 48);
  }
  EXPECT_EQ(fake.products, 2);
}

TEST_P(CublasLt, SlopeOfGeluInTheEpilogue) {
  const int64_t rows = 11, c = 9, wide_c = 40;
  const at::Tensor grad_y = random(rows, c), weight = random(c, wide_c),
                   pre = random(rows, wide_c, 48), grad_pre = random(rows, wide_c);
  linear_gelu_backward(grad_y, weight, pre, /*tanh=*/true, grad_pre, {});
  expect_near(grad_pre, at::gelu_backward(wide(grad_y).mm(wide(weight)), wide(pre), "tanh"),
              "gradient");
  expect_whole(pre, 48);
  EXPECT_EQ(fake.products, 1);
}

TEST_P(CublasLt, AddressesMayBeAlignedAsTheyAre) {
  const at::Tensor x = random(6, 5).narrow(0, 1, 5), weight = random(4, 5).narrow(0, 1, 3),
                   out = random(6, 3).narrow(0, 1, 5);
  linear(x, weight, {}, out);
  expect_near(out, wide(x).mm(wide(weight).t()), "out");
}

TEST_P(CublasLt, OneThatIsMeasuredAsTheFastestIsTaken) {
  const at::Tensor x = random(5, 8), weight = random(8, 8), out = random(5, 8);
  linear(x, weight, {}, out);
  EXPECT_EQ(fake.last_algorithm, 2U);  // of 0, which is not in order, 1 and 2
  linear(x, weight, {}, out);
  EXPECT_EQ(fake.searches, 1);
}

TEST_P(CublasLt, SumsOfPartsAreNotRounded) {
  const at::Tensor x = random(5, 8), weight = random(8, 8), out = random(5, 8);
  linear(x, weight, {}, out);
  EXPECT_EQ(fake.reductions, type_ == at::kFloat ? CUBLASLT_REDUCTION_SCHEME_MASK
                                                 : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
  EXPECT_EQ(fake.workspace_bytes, library.place.workspace_bytes);
  linear_backward(out, x, {}, at::zeros({8, 8}), {});
  EXPECT_EQ(fake.reductions, CUBLASLT_REDUCTION_SCHEME_MASK);
}

TEST_P(CublasLt, Tf32IsTakenWhereItIsAllowed) {
  const at::Tensor x = random(5, 8), weight = random(8, 8), out = random(5, 8);
  linear(x, weight, {}, out);
  EXPECT_FALSE(fake.tf32);
  at::globalContext().setAllowTF32CuBLAS(true);
  linear(x, weight, {}, out);
  at::globalContext().setAllowTF32CuBLAS(false);
  EXPECT_EQ(fake.tf32, type_ == at::kFloat);
}

TEST_P(CublasLt, NoRowsAreNoProduct) {
  const at::Tensor weight = random(8, 8), grad = at::ones({8, 8});
  linear(random(0, 8), weight, bias(8), random(0, 8));
  linear_backward(random(0, 8), random(0, 8), weight, grad, random(0, 8));
  EXPECT_TRUE(grad.eq(1).all().item<bool>());
  EXPECT_EQ(fake.products, 0);
}

/// A product with everything in order.
class Refusals : public ::testing::Test {
 protected:
  Refusals() {
    product.shape = {.rows = 8, .columns = 8, .inner = 8};
    for (int64_t* stride : {&product.shape.a_stride, &product.shape.b_stride,
                            &product.shape.out_stride, &product.shape.aux_stride})
      *stride = 8;
    product.a = product.b = product.bias = memory_;
    product.out = memory_;
    product.aux = memory_;
  }
  bool is_offered() const { return !cublaslt_algorithms(place, product, 3).empty(); }

  FakeCublasLt fake;
  CublasLtPlace place{nullptr, nullptr, nullptr, 1000};
  Product product;
  alignas(256) float memory_[128] = {};
};

TEST_F(Refusals, EpiloguesWantAlignedArrays) {
  for (const Epilogue epilogue : {Epilogue::kGelu, Epilogue::kGeluSlope}) {
    product.shape.epilogue = epilogue;
    ASSERT_TRUE(is_offered());
    product.aux = memory_ + 2;
    EXPECT_FALSE(is_offered());
    product.aux = memory_;
    product.shape.aux_stride = 12;
    EXPECT_FALSE(is_offered());
    product.shape.aux_stride = 8;
  }
  product.shape.epilogue = Epilogue::kNone;
  product.shape.has_bias = true;
  ASSERT_TRUE(is_offered());
  product.bias = memory_ + 2;
  EXPECT_FALSE(is_offered());
}

TEST_F(Refusals, NoAlgorithmIsNoError) {
  fake.refuses = true;
  EXPECT_FALSE(is_offered());
}

TEST_F(Refusals, ACheckMayFindThatItNeedsTooMuch) {
  const auto offered = cublaslt_algorithms(place, product, 3);
  EXPECT_TRUE(cublaslt_accepts(place, product, offered.at(0)));
  EXPECT_FALSE(cublaslt_accepts(place, product, ProductAlgorithm{}));
  fake.checked_bytes = 1001;
  EXPECT_FALSE(cublaslt_accepts(place, product, offered.at(0)));
}

TEST_F(Refusals, WhatIsRefusedWhenItIsToRunIsToldToTheCaller) {
  const auto offered = cublaslt_algorithms(place, product, 3);
  EXPECT_TRUE(cublaslt_run(place, product, offered.at(0)));
  fake.runs = false;
  EXPECT_FALSE(cublaslt_run(place, product, offered.at(0)));
}

INSTANTIATE_TEST_SUITE_P(Types, CublasLt, ::testing::Values(at::kFloat, at::kHalf, at::kBFloat16),
                         [](const auto& of) { return std::string(c10::toString(of.param)); });

}  // namespace

/// In place of linear_cuda.cpp, which wants a GPU's stream.
namespace ops::device {

bool run_product(const Product& product) {
  return Library::current->run(product);
}

void add_product(const at::Tensor&, const at::Tensor&, const at::Tensor&) {
  ADD_FAILURE() << "cuBLASLt did not make a product that is to be added";
}

}  // namespace ops::device
}  // namespace precis
