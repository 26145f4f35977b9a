// JSON as a Value and back: config.json and its kind.
#pragma once

#include <string>
#include <string_view>

#include "lib/formats/value.h"

namespace precis {

/// Objects become dicts, arrays lists, null None. `where` begins every error (the file). Throws
/// DataError for what is no valid JSON, with the byte. Half of a surrogate pair becomes U+FFFD.
Value parse_json(std::string_view text, const std::string& where);

/// Indented JSON with a newline at its end; keys keep their order. The value must hold no tensors;
/// tuples become arrays, integer keys texts.
std::string to_json(const Value& value);

}  // namespace precis
