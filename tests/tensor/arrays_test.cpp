// Tensors to arrays and back.
#include "lib/tensor/arrays.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <cstring>

#include "lib/base/errors.h"

namespace precis {
namespace {

TEST(Tensors, GoToArraysAndBack) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong,
                                    at::kInt, at::kShort, at::kChar, at::kByte, at::kBool}) {
    const at::Tensor tensor = at::arange(6, at::kLong).reshape({2, 3}).to(type);
    const ArrayView array = to_array(tensor);
    EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(array.bytes.size(), 6 * element_size(array.type));
    const at::Tensor back = to_tensor(array);
    EXPECT_EQ(back.scalar_type(), type);
    EXPECT_TRUE(back.equal(tensor)) << at::toString(type);
  }
  EXPECT_EQ(to_tensor(to_array(at::empty({0, 3}))).sizes(), (at::IntArrayRef{0, 3}));
  EXPECT_EQ(to_tensor(to_array(at::ones({}))).dim(), 0);
}

TEST(Tensors, KeepTheirMemoryAliveInAnArray) {
  ArrayView array;
  const void* memory = nullptr;
  {
    const at::Tensor tensor = at::ones({1000});
    memory = tensor.const_data_ptr();
    array = to_array(tensor);
  }
  EXPECT_EQ(array.bytes.data(), memory) << "a contiguous tensor is not copied";
  EXPECT_EQ(to_tensor(array).sum().item<float>(), 1000);
}

TEST(Tensors, AreCopiedOutOfAnArray) {
  const at::Tensor tensor = at::ones({4});
  const at::Tensor copy = to_tensor(to_array(tensor));
  tensor.zero_();
  EXPECT_EQ(copy.sum().item<float>(), 4);
}

TEST(Tensors, LieInAnArraysOwnMemoryWhereThatIsAligned) {
  at::Tensor tensor = at::arange(9, at::kFloat);
  ArrayView array = to_array(tensor);
  const at::Tensor view = to_tensor_in_place(array);
  EXPECT_EQ(view.const_data_ptr(), array.bytes.data());
  EXPECT_TRUE(view.equal(tensor));
  array.bytes = array.bytes.subspan(2, 8 * sizeof(float));  // as a header of odd length leaves them
  array.shape = {2, 4};
  const at::Tensor copy = to_tensor_in_place(array);
  EXPECT_NE(copy.const_data_ptr(), array.bytes.data());
  EXPECT_EQ(0, std::memcmp(copy.const_data_ptr(), array.bytes.data(), array.bytes.size()));
  array = {};
  tensor.reset();
  EXPECT_EQ(view.sum().item<float>(), 36) << "it keeps the memory alive";
}

TEST(Tensors, AreRowMajorInAnArray) {
  const at::Tensor tensor = at::arange(6, at::kFloat).reshape({2, 3}).t();
  const ArrayView array = to_array(tensor);
  EXPECT_EQ(array.shape, (std::vector<int64_t>{3, 2}));
  EXPECT_TRUE(to_tensor(array).equal(tensor));
}

TEST(Tensors, OfOtherTypesAreRefused) {
  EXPECT_THROW(to_array(at::complex(at::ones({1}), at::ones({1}))), DataError);
}

}  // namespace
}  // namespace precis
