#include "lib/formats/json_value.h"

#include <fmt/format.h>

#include <cassert>
#include <charconv>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "lib/base/errors.h"
#include "lib/base/utf8.h"

namespace precis {

namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;  // its look-up is linear: for writing only

constexpr int kMaxDepth = 100;

Value from_json(const Json& json, const std::string& where, int depth) {
  if (depth > kMaxDepth) {
    throw DataError(fmt::format("{}: is nested more than {} deep; refused", where, kMaxDepth));
  }
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<int64_t>();
    case Json::value_t::number_unsigned: {
      const auto number = json.get<uint64_t>();
      if (number > uint64_t{std::numeric_limits<int64_t>::max()})
        return static_cast<double>(number);
      return static_cast<int64_t>(number);
    }
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get<std::string>();
    case Json::value_t::array: {
      Value::List list;
      for (const Json& item : json) list.items.push_back(from_json(item, where, depth + 1));
      return list;
    }
    case Json::value_t::object: {
      Value::Dict dict;
      for (const auto& [key, item] : json.items()) {
        dict.items.push_back({key, from_json(item, where, depth + 1)});
      }
      return dict;
    }
    default:
      return {};
  }
}

OrderedJson json_of(const Value& value) {
  if (const auto* flag = value.get_if<bool>()) return *flag;
  if (const auto* number = value.get_if<int64_t>()) return *number;
  if (const auto* real = value.get_if<double>()) return *real;
  if (const auto* text = value.get_if<std::string>()) return *text;
  OrderedJson items = OrderedJson::array();
  if (const auto* list = value.get_if<Value::List>()) {
    for (const Value& item : list->items) items.push_back(json_of(item));
    return items;
  }
  if (const auto* tuple = value.get_if<Value::Tuple>()) {
    for (const Value& item : tuple->items) items.push_back(json_of(item));
    return items;
  }
  if (const auto* dict = value.get_if<Value::Dict>()) {
    OrderedJson object = OrderedJson::object();
    for (const DictItem& item : dict->items) {
      const auto* name = std::get_if<std::string>(&item.key);
      object[name != nullptr ? *name : key_text(item.key)] = json_of(item.value);
    }
    return object;
  }
  assert(value.is_none());
  return nullptr;
}

/// The number in the four hexadecimal digits of an escape \uXXXX at `at`; 0 where there is none.
uint32_t escaped_unit(std::string_view text, size_t at) {
  uint32_t unit = 0;
  if (text.substr(at, 2) == "\\u" && text.size() >= at + 6)
    std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
  return unit;
}

/// Half of a surrogate pair is no text, but Python writes and reads it: U+FFFD for each.
std::string without_lone_surrogates(std::string_view text) {
  std::string mended(text);
  for (size_t at = text.find('\\'); at != text.npos; at = text.find('\\', at)) {
    const uint32_t unit = escaped_unit(text, at);
    if (is_high_surrogate(unit) && is_low_surrogate(escaped_unit(text, at + 6))) {
      at += 12;
      continue;
    }
    if (is_high_surrogate(unit) || is_low_surrogate(unit)) mended.replace(at + 2, 4, "fffd");
    at += 2;
  }
  return mended;
}

}  // namespace

Value parse_json(std::string_view text, const std::string& where) {
  Json json;
  try {
    json = Json::parse(without_lone_surrogates(text));
  } catch (const Json::parse_error& error) {
    throw DataError(fmt::format("{}: is no valid JSON at byte {}", where, error.byte));
  } catch (const Json::exception&) {
    throw DataError(fmt::format("{}: is no valid JSON", where));
  }
  return from_json(json, where, 0);
}

std::string to_json(const Value& value) {
  return json_of(value).dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace precis
