// Checking UTF-8: plain ASCII eight bytes at a time, the rest by the table of well-formed
// sequences.
#include "lib/base/utf8.h"

#include <cstdint>
#include <cstring>

namespace precis {
namespace {

bool is_ascii_word(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return (word & 0x8080808080808080ULL) == 0;
}

/// The length of the well-formed sequence that starts at `at` with a byte of 0x80 or above; 0 when
/// it is none.
size_t sequence_length(const unsigned char* at, size_t left) {
  const unsigned char first = at[0];
  size_t length = 0;
  unsigned char low =
      0x80;  // range of the second byte, which excludes overlong forms, surrogates and > U+10FFFF
  unsigned char high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (left < length || at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((at[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

size_t valid_utf8_length(std::string_view bytes) {
  const size_t size = bytes.size();
  size_t at = 0;
  while (at < size) {
    if (static_cast<unsigned char>(bytes[at]) < 0x80) {
      while (at + sizeof(uint64_t) <= size && is_ascii_word(bytes.data() + at))
        at += sizeof(uint64_t);
      while (at < size && static_cast<unsigned char>(bytes[at]) < 0x80) ++at;
      continue;
    }
    const auto* here = reinterpret_cast<const unsigned char*>(bytes.data()) + at;
    const size_t length = sequence_length(here, size - at);
    if (length == 0) return at;
    at += length;
  }
  return size;
}

}  // namespace precis
