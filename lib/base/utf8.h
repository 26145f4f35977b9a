// UTF-8, checked and decoded: The Unicode Standard, table 3-7 (no overlong forms, no surrogates,
// nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace precis {

/// U+FFFD, which stands for what is no text.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
/// U+FEFF at the beginning of a file: a byte order mark, no part of the text.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

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
/// a valid sequence, at least one byte; Unicode's recommended practice, what Python and Rust do).
uint32_t invalid_prefix_bytes(const char* p, const char* end);

/// How many bytes from the start are well-formed UTF-8: bytes.size() when all are, else the place
/// of the first character that is not.
size_t valid_utf8_length(std::string_view bytes);

inline bool is_utf8(std::string_view bytes) {
  return valid_utf8_length(bytes) == bytes.size();
}

/// The bytes as text, as Python's decode("utf-8", "replace"): what is no UTF-8 becomes U+FFFD.
std::string replace_invalid_utf8(std::string_view bytes);

/// Appends a code point, which must be no surrogate and at most U+10FFFF.
void append_utf8(std::string& out, uint32_t code_point);

/// The halves of a pair by which UTF-16, and so JSON's \u, writes a code point above U+FFFF.
inline bool is_high_surrogate(uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}
inline bool is_low_surrogate(uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

}  // namespace precis
