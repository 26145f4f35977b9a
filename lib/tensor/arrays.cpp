#include "lib/tensor/arrays.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <cassert>
#include <cstddef>
#include <cstdint>
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

at::Tensor to_tensor_in_place(const ArrayView& array) {
  const at::ScalarType type = scalar_type(array.type);
  const bool aligned =
      reinterpret_cast<uintptr_t>(array.bytes.data()) % c10::elementSize(type) == 0;
  if (!aligned || array.bytes.empty() || !array.owner) return to_tensor(array);
  auto* bytes = const_cast<std::byte*>(array.bytes.data());  // NOLINT: see above
  return at::from_blob(
      bytes, array.shape, [owner = array.owner](void*) {}, at::TensorOptions().dtype(type));
}

ArrayView to_array(const at::Tensor& tensor) {
  const ElementType type = element_type(tensor.scalar_type());
  auto owner = std::make_shared<const at::Tensor>(tensor.detach().cpu().contiguous());
  const std::span bytes(static_cast<const std::byte*>(owner->const_data_ptr()), owner->nbytes());
  return {type, owner->sizes().vec(), bytes, std::move(owner)};
}

}  // namespace precis
