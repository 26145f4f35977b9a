// Places of parameters in the flat buffers, and how they start.
#include "lib/model/parameter_table.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "lib/base/errors.h"

namespace precis {
namespace {

/// Two stages; declared in flat order, in files the other way round.
ParameterTable table() {
  return {{{"norm", {3}, Start::ones(), 0},
           {"matrix", {2, 4}, Start::normal(0.5), 1, /*decay=*/true},
           {"bias", {2}, Start::zeros(), 1}},
          {"bias", "matrix", "norm"}};
}

TEST(ParameterTable, PlacesFollowTheDeclaration) {
  const ParameterTable all = table();
  EXPECT_EQ(all.numel(), 13);
  EXPECT_EQ(all.trainable_numel(), 13);
  EXPECT_EQ(all.index("bias"), 2U);
  EXPECT_EQ(all.slots()[2].offset, 11);
  EXPECT_EQ(all.file_order(), (std::vector<size_t>{2, 1, 0}));
  EXPECT_TRUE(all.has("norm"));
  EXPECT_FALSE(all.has("nor"));
  EXPECT_THROW(all.index("nor"), std::out_of_range);
}

TEST(ParameterTable, APrefixOfTheGradientIsFinalAfterEachStage) {
  EXPECT_EQ(table().num_stages(), 2);
  EXPECT_EQ(table().final_after(0), 3);
  EXPECT_EQ(table().final_after(1), 13);
  const std::vector<std::string> frozen{"norm"};
  EXPECT_EQ(table().with_frozen(frozen).final_after(0), 0);
  EXPECT_EQ(table().with_frozen(frozen).final_after(1), 10);
}

TEST(ParameterTable, TheFrozenHaveAPlaceAmongWeightsAlone) {
  const std::vector<std::string> names{"matrix"};
  const ParameterTable some = table().with_frozen(names);
  EXPECT_EQ(some.numel(), 13);
  EXPECT_EQ(some.trainable_numel(), 5);
  EXPECT_EQ(some.frozen(), names);
  const at::Tensor weights = at::arange(13), gradients = at::arange(5);
  EXPECT_TRUE(at::equal(some.views(weights)[1], at::arange(3, 11).view({2, 4})));
  EXPECT_FALSE(some.gradient_views(gradients)[1].defined());
  EXPECT_TRUE(at::equal(some.gradient_views(gradients)[2], at::arange(3, 5)));
  EXPECT_EQ(some.with_frozen({}).trainable_numel(), 13) << "it names all that are frozen";
}

TEST(ParameterTable, StartIsAFunctionOfTheSeedAndOfTheDeclaration) {
  const ParameterTable all = table();
  const at::Tensor a = initial_parameters(all, 7);
  EXPECT_TRUE(at::equal(a, initial_parameters(all, 7)));
  EXPECT_FALSE(at::equal(a, initial_parameters(all, 8)));
  EXPECT_TRUE(at::equal(all.views(a)[0], at::ones({3})));
  EXPECT_TRUE(at::equal(all.views(a)[2], at::zeros({2})));
  EXPECT_GT(all.views(a)[1].abs().min().item<float>(), 0);
  EXPECT_LT(all.views(a)[1].abs().max().item<float>(), 5 * 0.5);
}

}  // namespace
}  // namespace precis
