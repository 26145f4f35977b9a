// The classes of characters that GPT-2's pattern tells apart, and UTF-8 decoding that never fails.
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

/// One character of UTF-8 text.
struct DecodedChar {
  uint32_t code_point = 0;
  uint32_t num_bytes = 1;
  bool valid = true;  ///< false: the byte at hand starts no valid sequence; num_bytes is 1
};

/// Decodes the character at p (p < end). Overlong forms, surrogates and cut sequences are invalid.
inline DecodedChar decode_utf8(const char* p, const char* end) {
  const auto byte = [p](int i) { return static_cast<uint8_t>(p[i]); };
  const auto follows = [&](int i) { return end - p > i && (byte(i) & 0xC0) == 0x80; };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const DecodedChar invalid{0xFFFD, 1, false};
  if (first < 0xC2 || first > 0xF4 || !follows(1)) return invalid;
  const uint32_t second = byte(1) & 0x3F;
  if (first < 0xE0) return {(first & 0x1F) << 6 | second, 2, true};
  if (!follows(2)) return invalid;
  const uint32_t third = byte(2) & 0x3F;
  if (first < 0xF0) {
    const uint32_t code_point = (first & 0x0F) << 12 | second << 6 | third;
    if (code_point < 0x800 || (code_point >= 0xD800 && code_point < 0xE000)) return invalid;
    return {code_point, 3, true};
  }
  if (!follows(3)) return invalid;
  const uint32_t code_point = (first & 0x07) << 18 | second << 12 | third << 6 | (byte(3) & 0x3F);
  if (code_point < 0x10000 || code_point > 0x10FFFF) return invalid;
  return {code_point, 4, true};
}

/// Where decode_utf8 finds p invalid: the bytes that one U+FFFD replaces (the longest beginning of
/// a valid sequence, at least one byte; Unicode's recommended practice and what Python does).
inline uint32_t invalid_prefix_bytes(const char* p, const char* end) {
  const auto byte = [p](int i) { return static_cast<uint8_t>(p[i]); };
  const uint32_t first = byte(0);
  if (first < 0xE0 || first > 0xF4 || end - p < 2) return 1;
  const uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 1;
  if (first < 0xF0) return 2;
  return end - p > 2 && (byte(2) & 0xC0) == 0x80 ? 3 : 2;
}

}  // namespace precis
