// Checking UTF-8: The Unicode Standard, table 3-7 (no overlong forms, no surrogates, nothing above
// U+10FFFF).
#pragma once

#include <cstddef>
#include <string_view>

namespace precis {

/// How many bytes from the start are well-formed UTF-8: bytes.size() when all are, else the place
/// of the first character that is not.
size_t valid_utf8_length(std::string_view bytes);

inline bool is_utf8(std::string_view bytes) {
  return valid_utf8_length(bytes) == bytes.size();
}

}  // namespace precis
