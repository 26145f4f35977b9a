// The classes of characters that GPT-2's pattern tells apart.
#pragma once

#include <cstdint>

namespace precis {

/// \p{L}, \p{N}, \s (Unicode White_Space) and all the rest, as of Unicode 16.0.
enum class CharClass : uint8_t { kOther = 0, kLetter = 1, kNumber = 2, kSpace = 3 };

namespace unicode {
#include "lib/text/unicode_tables.inc"
}  // namespace unicode

/// The class of a code point.
inline CharClass char_class(uint32_t code_point) {
  const uint32_t page = code_point >> 8;
  if (page >= unicode::kNumPages) return CharClass::kOther;
  const uint64_t word = unicode::kPages[unicode::kPageOf[page]][(code_point >> 5) & 7];
  return static_cast<CharClass>((word >> (2 * (code_point & 31))) & 3);
}

}  // namespace precis
