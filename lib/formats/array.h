// A named-element dense array as files hold it: type, shape and bytes, without any tensor library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace precis {

/// Floating-point types come first.
enum class ElementType {
  kFloat64,
  kFloat32,
  kFloat16,
  kBFloat16,
  kInt64,
  kInt32,
  kInt16,
  kInt8,
  kUInt8,
  kBool
};

/// Bytes of one element.
size_t element_size(ElementType type);

/// As torch names it: "float32", "int64", "bool".
const char* element_name(ElementType type);

inline bool is_floating_point(ElementType type) {
  return type <= ElementType::kBFloat16;
}

/// "(2, 3)", as error messages print a shape; "()" for a scalar.
std::string shape_text(std::span<const int64_t> shape);

/// The product of the sizes; nothing where one is negative or the product times 8 is beyond 63
/// bits.
std::optional<int64_t> count_elements(std::span<const int64_t> shape);

/// A dense row-major array that does not own its bytes; `owner` keeps them alive.
///
/// The bytes are little-endian and may start at any address: copy them, do not cast the pointer.
struct ArrayView {
  ElementType type = ElementType::kFloat32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// The bytes as characters, for writing.
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace precis
