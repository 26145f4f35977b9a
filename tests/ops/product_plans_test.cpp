// Which algorithm a product takes, with a fake library that says what it offers, how long each one
// takes and what it accepts.
#include "lib/ops/product_plans.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <set>

#include "lib/ops/measuring.h"

namespace precis {
namespace {

using namespace ops;  // NOLINT: what is tested

constexpr double kNever = std::numeric_limits<double>::infinity();

/// Algorithms are numbers.
class FakeLibrary : public ProductLibrary {
 public:
  std::vector<double> times;  ///< of those offered, in their order
  std::set<uint64_t> refused;
  bool recording = false;
  int searches = 0, checks = 0, timings = 0;

  std::vector<ProductAlgorithm> algorithms(const Product&, int at_most) override {
    ++searches;
    std::vector<ProductAlgorithm> offered;
    for (uint64_t i = 0; i < times.size() && static_cast<int>(i) < at_most; ++i)
      offered.push_back({{i}});
    return offered;
  }
  bool accepts(const Product&, const ProductAlgorithm& algorithm) override {
    ++checks;
    return !refused.contains(algorithm.words[0]);
  }
  double seconds(const Product&, const ProductAlgorithm& algorithm) override {
    EXPECT_FALSE(recording);
    ++timings;
    return times.at(algorithm.words[0]);
  }
  bool is_recording() override { return recording; }
};

Product product_of(int64_t rows) {
  Product product;
  product.shape.rows = rows;
  product.shape.columns = 3072;
  product.shape.inner = product.shape.a_stride = 768;
  return product;
}

class Plans : public ::testing::Test {
 protected:
  /// The number of the algorithm that such a product takes; -1: none.
  int64_t taken(const Product& product, bool measure = true) {
    const ProductAlgorithm* algorithm = plans.choose(product, measure);
    return algorithm == nullptr ? -1 : static_cast<int64_t>(algorithm->words[0]);
  }
  FakeLibrary library;
  ProductPlans plans{library};
};

TEST_F(Plans, TheFastestIsMeasuredOnceAndKept) {
  library.times = {3, 2, 1, 4};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(taken(product_of(1000)), 2);
  EXPECT_EQ(library.timings, 4);
  EXPECT_EQ(library.searches, 1);
  library.times = {1, 2, 3, 4};
  EXPECT_EQ(taken(product_of(1000)), 2);
}

TEST_F(Plans, AboutAsFastAsTheFastestIsTheFirst) {
  library.times = {1.015, 1.3, 1};
  EXPECT_EQ(taken(product_of(1000)), 0);
  library.times = {1.03, 1.015, 1};
  EXPECT_EQ(taken(product_of(2000)), 1);
}

TEST_F(Plans, OneThatDoesNotRunIsNotTaken) {
  library.times = {kNever, 2, kNever};
  EXPECT_EQ(taken(product_of(1000)), 1);
}

TEST_F(Plans, WhereNoneCanBeMeasuredTheFirstIsTaken) {
  library.times = {kNever, kNever};
  EXPECT_EQ(taken(product_of(1000)), 0);
  EXPECT_EQ(taken(product_of(1000)), 0);
  EXPECT_EQ(library.timings, 2);
}

TEST_F(Plans, WithoutMeasuringTheFirstIsTakenAndMayBeMeasuredLater) {
  library.times = {2, 1};
  EXPECT_EQ(taken(product_of(1000), /*measure=*/false), 0);
  EXPECT_EQ(taken(product_of(1000), /*measure=*/false), 0);
  EXPECT_EQ(library.timings, 0);
  EXPECT_EQ(library.searches, 1);
  EXPECT_EQ(taken(product_of(1000)), 1);
  EXPECT_EQ(taken(product_of(1000), /*measure=*/false), 1);
}

TEST_F(Plans, NothingIsMeasuredWhileCallsAreRecorded) {
  library.times = {2, 1};
  library.recording = true;
  EXPECT_EQ(taken(product_of(1000)), 0);
  EXPECT_EQ(library.timings, 0);
  library.recording = false;
  EXPECT_EQ(taken(product_of(1000)), 1);
  library.recording = true;
  EXPECT_EQ(taken(product_of(1000)), 1);
}

TEST_F(Plans, AProductThatTheLibraryDoesNotHaveIsAskedForOnce) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(taken(product_of(1000)), -1);
  EXPECT_EQ(library.searches, 1);
}

TEST_F(Plans, OneThatFailedIsGivenUp) {
  library.times = {1, 2};
  ASSERT_EQ(taken(product_of(1000)), 0);
  plans.give_up(product_of(1000));
  EXPECT_EQ(taken(product_of(1000)), -1);
  EXPECT_EQ(taken(product_of(1001)), -1);  // of its class
  EXPECT_EQ(taken(product_of(2000)), 0);
}

TEST_F(Plans, BatchesOfAboutAsManyRowsShareAPlan) {
  library.times = {2, 1};
  for (const int64_t rows : {961, 1000, 1024, 1024, 970}) EXPECT_EQ(taken(product_of(rows)), 1);
  EXPECT_EQ(library.timings, 2);
  EXPECT_EQ(library.checks, 3);  // not where the rows are those of the call before
  taken(product_of(1025));
  EXPECT_EQ(library.timings, 4);
}

TEST_F(Plans, RowsThatThePlanRefusesTakeTheFirst) {
  library.times = {2, 1};
  ASSERT_EQ(taken(product_of(1000)), 1);
  library.refused = {1};
  EXPECT_EQ(taken(product_of(1001)), 0);
  EXPECT_EQ(taken(product_of(1001)), 0);
  EXPECT_EQ(library.checks, 1);
  library.refused = {};
  EXPECT_EQ(taken(product_of(1000)), 1);
}

TEST_F(Plans, GradientsOfWeightsAreSummedOverTheRows) {
  library.times = {2, 1};
  Product product;
  product.shape = {.rows = 3072, .columns = 768, .inner = 1000, .adds = true};
  EXPECT_EQ(taken(product), 1);
  product.shape.inner = 1001;
  EXPECT_EQ(taken(product), 1);
  EXPECT_EQ(library.timings, 2);
  product.shape.rows = 3071;  // a weight's own size is exact
  EXPECT_EQ(taken(product), 1);
  EXPECT_EQ(library.timings, 4);
}

TEST_F(Plans, WhateverElseIsUnlikeIsAnotherPlan) {
  library.times = {2, 1};
  using Change = std::function<void(Product&)>;
  const std::vector<Change> changes{[](Product&) {},
                                    [](Product& p) { p.shape.columns = 3073; },
                                    [](Product& p) { p.shape.inner = 769; },
                                    [](Product& p) { p.shape.a_stride = 776; },
                                    [](Product& p) { p.shape.b_stride = 776; },
                                    [](Product& p) { p.shape.out_stride = 776; },
                                    [](Product& p) { p.shape.aux_stride = 776; },
                                    [](Product& p) { p.shape.a_transposed = true; },
                                    [](Product& p) { p.shape.b_transposed = true; },
                                    [](Product& p) { p.shape.adds = true; },
                                    [](Product& p) { p.shape.has_bias = true; },
                                    [](Product& p) { p.shape.tf32 = true; },
                                    [](Product& p) { p.shape.element = Element::kHalf; },
                                    [](Product& p) { p.shape.out_element = Element::kHalf; },
                                    [](Product& p) { p.shape.epilogue = Epilogue::kGelu; },
                                    [](Product& p) { p.shape.epilogue = Epilogue::kGeluSlope; },
                                    [](Product& p) { p.a = reinterpret_cast<void*>(16); },
                                    [](Product& p) { p.b = reinterpret_cast<void*>(16); },
                                    [](Product& p) { p.out = reinterpret_cast<void*>(16); },
                                    [](Product& p) { p.bias = reinterpret_cast<void*>(16); },
                                    [](Product& p) { p.aux = reinterpret_cast<void*>(16); }};
  for (size_t i = 0; i < changes.size(); ++i) {
    Product product = product_of(1000);
    changes[i](product);
    taken(product);
    EXPECT_EQ(library.timings, 2 * (i + 1)) << "change " << i;
    taken(product);
  }
  EXPECT_EQ(library.searches, static_cast<int>(changes.size()));
}

TEST(RowClass, IsAnEighthOfAPowerOfTwo) {
  for (int64_t rows = 0; rows <= 16; ++rows) EXPECT_EQ(ProductPlans::row_class(rows), rows);
  std::set<int64_t> classes;
  for (int64_t rows = 1024; rows < 2048; ++rows) {
    const int64_t c = ProductPlans::row_class(rows);
    EXPECT_GE(c, rows);
    EXPECT_LT(c, rows + 128);
    EXPECT_EQ(ProductPlans::row_class(c), c);
    classes.insert(c);
  }
  EXPECT_EQ(classes.size(), 9U);
}

TEST(Alignment, IsAtMostWhatLibrariesAskFor) {
  for (const uintptr_t address : {2, 16, 48, 256, 512, 0}) {
    const uint32_t expected = address == 48 ? 16 : address == 512 || address == 0 ? 256 : address;
    EXPECT_EQ(alignment_of(reinterpret_cast<void*>(address)), expected);
  }
}

TEST(Measuring, IsWhatTheInnermostGuardsAskFor) {
  EXPECT_FALSE(is_measuring());
  {
    const MeasuringGuard outer(true);
    EXPECT_TRUE(is_measuring());
    { const MeasuringGuard inner(false); }
    EXPECT_TRUE(is_measuring());
  }
  EXPECT_FALSE(is_measuring());
}

}  // namespace
}  // namespace precis
