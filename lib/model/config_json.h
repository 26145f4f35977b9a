// Reading the config.json of a Hugging Face folder, key by key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/formats/value.h"

namespace precis {

/// A parsed config.json, its keys read with type and range. Members throw DataError, which begins
/// with the file's name, for what is of another type or out of range. Uses its parts, owns nothing.
class ConfigJson {
 public:
  /// Throws DataError where `config` is no JSON object.
  ConfigJson(const Value& config, const std::string& file);

  [[noreturn]] void fail(std::string_view what) const;
  /// The value of a key; null where there is none, or where it is null.
  const Value* find(std::string_view key) const;
  int64_t count(std::string_view key, int64_t otherwise, int64_t most) const;
  double number(std::string_view key, double otherwise) const;
  /// Empty where there is none.
  std::string text(std::string_view key) const;
  /// Refuses a switch that is not as expected.
  void require(std::string_view key, bool expected) const;

 private:
  const Value& config_;
  const std::string& file_;
};

}  // namespace precis
