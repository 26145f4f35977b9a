#include "lib/formats/numpy_objects.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "lib/formats/value.h"

namespace precis {

namespace {

std::optional<ElementType> float_type(size_t size) {
  switch (size) {
    case 8:
      return ElementType::kFloat64;
    case 4:
      return ElementType::kFloat32;
    case 2:
      return ElementType::kFloat16;
    default:
      return std::nullopt;
  }
}

/// Little-endian two's complement, or without a sign.
uint64_t integer_of(const std::string& bytes, bool is_signed) {
  const bool negative = is_signed && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0;
  uint64_t value = negative ? ~uint64_t{0} : 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

}  // namespace

PickleGraph::Id add_numpy_number(PickleGraph& graph, std::string_view type,
                                 const std::string& bytes) {
  using Kind = PickleNode::Kind;
  const char kind = type.empty() ? '?' : type[0];
  const size_t size =
      type.size() == 2 && type[1] >= '1' && type[1] <= '8' ? static_cast<size_t>(type[1] - '0') : 0;
  if (size == 0 || size != bytes.size()) {
    graph.fail(fmt::format("a number of numpy's type {} in {} bytes; refused", type, bytes.size()));
  }
  if (kind == 'f') {
    if (const auto element = float_type(size)) {
      const Value number(
          ArrayView{*element, {}, std::as_bytes(std::span(bytes.data(), size)), nullptr});
      return graph.add_real(number.number().value_or(0));
    }
  }
  if (kind == 'b' && size == 1) return graph.add(Kind::kBool, bytes[0] != 0);
  if (kind == 'i' || kind == 'u') {
    const uint64_t value = integer_of(bytes, kind == 'i');
    const auto as_signed = static_cast<int64_t>(value);
    if (kind == 'u' && as_signed < 0) return graph.add_real(static_cast<double>(value));
    return graph.add(Kind::kInteger, as_signed);
  }
  graph.fail(fmt::format("a number of numpy's type {}, which is not read; refused", type));
}

}  // namespace precis
