#include "lib/tensor/arrays.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <cassert>
#include <cstring>
#include <iterator>
#include <memory>

#include "lib/base/errors.h"

namespace precis {

namespace {

struct TypePair {
  ElementType element;
  at::ScalarType scalar;
};

constexpr TypePair kTypes[] = {
    {ElementType::kFloat64, at::kDouble}, {ElementType::kFloat32, at::kFloat},
    {ElementType::kFloat16, at::kHalf},   {ElementType::kBFloat16, at::kBFloat16},
    {ElementType::kInt64, at::kLong},     {ElementType::kInt32, at::kInt},
    {ElementType::kInt16, at::kShort},    {ElementType::kInt8, at::kChar},
    {ElementType::kUInt8, at::kByte},     {ElementType::kBool, at::kBool},
};

at::ScalarType scalar_type(ElementType type) {
  for (const TypePair& pair : kTypes) {
    if (pair.element == type) return pair.scalar;
  }
  assert(false);
  return at::kFloat;
}

ElementType element_type(at::ScalarType type) {
  for (const TypePair& pair : kTypes) {
    if (pair.scalar == type) return pair.element;
  }
  throw DataError(
      fmt::format("a tensor of type {} cannot be written to a file", at::toString(type)));
}

}  // namespace

at::Tensor to_tensor(const ArrayView& array) {
  at::Tensor tensor = at::empty(array.shape, at::TensorOptions().dtype(scalar_type(array.type)));
  assert(static_cast<size_t>(tensor.nbytes()) == array.bytes.size());
  if (!array.bytes.empty())
    std::memcpy(tensor.mutable_data_ptr(), array.bytes.data(), array.bytes.size());
  return tensor;
}

ArrayView to_array(const at::Tensor& tensor) {
  const ElementType type = element_type(tensor.scalar_type());
  auto owner = std::make_shared<const at::Tensor>(tensor.detach().cpu().contiguous());
  const std::span bytes(static_cast<const std::byte*>(owner->const_data_ptr()), owner->nbytes());
  return {type, owner->sizes().vec(), bytes, std::move(owner)};
}

}  // namespace precis
