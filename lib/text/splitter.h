// Cuts text into the pieces that byte-pair merges never cross: GPT-2's pattern, written by hand.
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Source: OpenAI's gpt-2 encoder.py; bytes that are no UTF-8 count as [^\s\p{L}\p{N}], one by one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/base/utf8.h"
#include "lib/text/unicode_classes.h"

namespace precis {

namespace splitter {

/// In kByteClass: the byte alone does not say the class.
inline constexpr uint8_t kNeedsDecoding = 4;

inline constexpr std::array<uint8_t, 256> kByteClass = [] {
  std::array<uint8_t, 256> table{};
  for (int b = 0; b < 256; ++b) {
    const bool letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
    const bool space = b == ' ' || (b >= '\t' && b <= '\r');
    const CharClass ascii = letter                 ? CharClass::kLetter
                            : b >= '0' && b <= '9' ? CharClass::kNumber
                            : space                ? CharClass::kSpace
                                                   : CharClass::kOther;
    table[static_cast<size_t>(b)] = b >= 0x80 ? kNeedsDecoding : static_cast<uint8_t>(ascii);
  }
  return table;
}();

inline uint8_t byte_class(const char* p) {
  return kByteClass[static_cast<uint8_t>(*p)];
}

/// The class and the number of bytes of the character at p.
struct ClassedChar {
  uint8_t char_class;
  uint32_t num_bytes;
};
inline ClassedChar classify(const char* p, const char* end) {
  const uint8_t ascii = byte_class(p);
  if (ascii != kNeedsDecoding) return {ascii, 1};
  const DecodedChar c = decode_utf8(p, end);
  const CharClass found = c.valid ? char_class(c.code_point) : CharClass::kOther;
  return {static_cast<uint8_t>(found), c.num_bytes};
}

/// Where the run of characters of one class ends that p is in.
inline const char* run_end(const char* p, const char* end, uint8_t wanted) {
  while (p < end) {
    const uint8_t found = byte_class(p);
    if (found == wanted) {
      ++p;
    } else if (found != kNeedsDecoding) {
      return p;
    } else {
      const ClassedChar c = classify(p, end);
      if (c.char_class != wanted) return p;
      p += c.num_bytes;
    }
  }
  return p;
}

/// Bytes of the contraction at p, where an apostrophe stands; 0: none.
inline int contraction_bytes(const char* p, const char* end) {
  if (end - p < 2) return 0;
  const char a = p[1];
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  if (end - p < 3) return 0;
  const char b = p[2];
  return (a == 'l' && b == 'l') || (a == 'v' && b == 'e') || (a == 'r' && b == 'e') ? 3 : 0;
}

/// The end of the piece of white space at p: all of it before the end of the text, else all but its
/// last character, which the next piece takes (a blank) or which stands alone.
inline const char* space_piece_end(const char* p, const char* end) {
  const char* stop = run_end(p, end, static_cast<uint8_t>(CharClass::kSpace));
  if (stop == end) return stop;
  const char* last = stop - 1;
  while (last > p && (static_cast<uint8_t>(*last) & 0xC0) == 0x80) --last;
  return last == p ? stop : last;
}

}  // namespace splitter

/// The end of the piece that starts at p (p < end). Never returns p.
inline const char* piece_end(const char* p, const char* end) {
  using namespace splitter;
  constexpr auto kSpace = static_cast<uint8_t>(CharClass::kSpace);
  if (*p == ' ') {
    if (end - p == 1) return end;
    const ClassedChar next = classify(p + 1, end);
    return next.char_class == kSpace ? space_piece_end(p, end)
                                     : run_end(p + 1 + next.num_bytes, end, next.char_class);
  }
  if (*p == '\'') {
    if (const int bytes = contraction_bytes(p, end)) return p + bytes;
  }
  const ClassedChar first = classify(p, end);
  return first.char_class == kSpace ? space_piece_end(p, end)
                                    : run_end(p + first.num_bytes, end, first.char_class);
}

}  // namespace precis
