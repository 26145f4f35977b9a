#include "lib/model/config_json.h"

#include <fmt/format.h>

#include <optional>

#include "lib/base/errors.h"
#include "lib/formats/printable.h"

namespace precis {

ConfigJson::ConfigJson(const Value& config, const std::string& file)
    : config_(config), file_(file) {
  if (config.get_if<Value::Dict>() == nullptr) fail("is no JSON object");
}

void ConfigJson::fail(std::string_view what) const {
  throw DataError(fmt::format("{}: {}", file_, printable(what)));
}

const Value* ConfigJson::find(std::string_view key) const {
  const Value* value = config_.find(key);
  return value == nullptr || value->is_none() ? nullptr : value;
}

int64_t ConfigJson::count(std::string_view key, int64_t otherwise, int64_t most) const {
  const Value* value = find(key);
  if (value == nullptr) return otherwise;
  const auto* number = value->get_if<int64_t>();
  if (number == nullptr)
    fail(fmt::format("{} should be an integer and is {}", key, value->kind_name()));
  if (*number < 1 || *number > most)
    fail(fmt::format("{} is {}; expected 1 to {}", key, *number, most));
  return *number;
}

double ConfigJson::number(std::string_view key, double otherwise) const {
  const Value* value = find(key);
  if (value == nullptr) return otherwise;
  const std::optional<double> number = value->number();
  if (!number) fail(fmt::format("{} should be a number and is {}", key, value->kind_name()));
  return *number;
}

std::string ConfigJson::text(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return {};
  const auto* content = value->get_if<std::string>();
  if (content == nullptr)
    fail(fmt::format("{} should be a text and is {}", key, value->kind_name()));
  return *content;
}

void ConfigJson::require(std::string_view key, bool expected) const {
  const Value* value = find(key);
  if (value == nullptr) return;
  const auto* flag = value->get_if<bool>();
  if (flag == nullptr)
    fail(fmt::format("{} should be true or false and is {}", key, value->kind_name()));
  if (*flag != expected)
    fail(fmt::format("{} is {}, which is not supported; only {} is", key, *flag, expected));
}

}  // namespace precis
