#include "lib/formats/value.h"

#include <fmt/format.h>

#include <cassert>
#include <cmath>
#include <cstring>

#include "lib/formats/printable.h"

namespace precis {

namespace {

/// The value of a half, by its parts: 1 sign, `exponent_bits` exponent and the rest mantissa bits.
double from_half(uint16_t bits, int exponent_bits) {
  const int mantissa_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int mantissa = bits & ((1 << mantissa_bits) - 1);
  double magnitude = 0;
  if (exponent == (1 << exponent_bits) - 1) {
    magnitude = mantissa == 0 ? HUGE_VAL : std::nan("");
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, 1 - bias - mantissa_bits);
  } else {
    magnitude = std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
  }
  return bits >> 15 ? -magnitude : magnitude;
}

template <class T>
T first_as(const ArrayView& array) {
  T value;
  std::memcpy(&value, array.bytes.data(), sizeof value);
  return value;
}

/// The one element of an array as an integer or a float; None where it has more or fewer.
Value only_element(const ArrayView& array) {
  if (count_elements(array.shape) != 1 || array.bytes.size() != element_size(array.type)) return {};
  switch (array.type) {
    case ElementType::kFloat64:
      return first_as<double>(array);
    case ElementType::kFloat32:
      return double{first_as<float>(array)};
    case ElementType::kFloat16:
      return from_half(first_as<uint16_t>(array), 5);
    case ElementType::kBFloat16:
      return from_half(first_as<uint16_t>(array), 8);
    case ElementType::kInt64:
      return first_as<int64_t>(array);
    case ElementType::kInt32:
      return int64_t{first_as<int32_t>(array)};
    case ElementType::kInt16:
      return int64_t{first_as<int16_t>(array)};
    case ElementType::kInt8:
      return int64_t{first_as<int8_t>(array)};
    default:
      return int64_t{first_as<uint8_t>(array)};
  }
}

const Value* find_key(const Value::Dict* dict, const auto& matches) {
  if (dict == nullptr) return nullptr;
  for (const DictItem& item : dict->items) {
    if (matches(item.key)) return &item.value;
  }
  return nullptr;
}

}  // namespace

Value Value::ordered_dict() {
  Dict dict;
  dict.ordered = true;
  return dict;
}

const char* Value::kind_name() const {
  constexpr const char* kNames[] = {"None",   "a bool",  "an integer", "a float", "a text",
                                    "a list", "a tuple", "a dict",     "an array"};
  return kNames[data_.index()];
}

const Value* Value::find(std::string_view key) const {
  return find_key(get_if<Dict>(), [key](const Key& candidate) {
    const auto* text = std::get_if<std::string>(&candidate);
    return text != nullptr && *text == key;
  });
}

const Value* Value::find(int64_t key) const {
  return find_key(get_if<Dict>(), [key](const Key& candidate) {
    const auto* number = std::get_if<int64_t>(&candidate);
    return number != nullptr && *number == key;
  });
}

void Value::set(Key key, Value value) {
  Dict* dict = get_if<Dict>();
  assert(dict != nullptr);
  for (DictItem& item : dict->items) {
    if (item.key == key) {
      item.value = std::move(value);
      return;
    }
  }
  dict->items.push_back({std::move(key), std::move(value)});
}

std::optional<double> Value::number() const {
  if (const auto* flag = get_if<bool>()) return *flag ? 1 : 0;
  if (const auto* whole = get_if<int64_t>()) return static_cast<double>(*whole);
  if (const auto* real = get_if<double>()) return *real;
  if (const auto* array = get_if<ArrayView>()) {
    const Value element = only_element(*array);
    if (!element.is_none()) return element.number();
  }
  return std::nullopt;
}

std::optional<int64_t> Value::integer() const {
  if (const auto* whole = get_if<int64_t>()) return *whole;
  if (const auto* real = get_if<double>()) {
    constexpr double kLimit = 0x1.0p53;  // beyond it a float no longer tells neighbours apart
    if (std::abs(*real) <= kLimit && std::trunc(*real) == *real) return static_cast<int64_t>(*real);
  }
  if (const auto* array = get_if<ArrayView>()) {
    const Value element = only_element(*array);
    if (!element.is_none()) return element.integer();
  }
  return std::nullopt;
}

std::string key_text(const Value::Key& key) {
  if (const auto* text = std::get_if<std::string>(&key)) return fmt::format("'{}'", *text);
  return std::to_string(std::get<int64_t>(key));
}

std::string typed_text(const Value& value) {
  if (const bool* flag = value.get_if<bool>()) return *flag ? "true" : "false";
  if (const auto* text = value.get_if<std::string>()) return printable(*text);
  if (const auto whole = value.integer()) return std::to_string(*whole);
  if (const auto number = value.number()) return fmt::format("{}", *number);
  return value.kind_name();
}

}  // namespace precis
