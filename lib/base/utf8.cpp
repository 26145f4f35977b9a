// Checking UTF-8: plain ASCII eight bytes at a time, the rest by the table of well-formed
// sequences.
#include "lib/base/utf8.h"

#include <cstring>

namespace precis {
namespace {

bool is_ascii_word(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return (word & 0x8080808080808080ULL) == 0;
}

}  // namespace

uint32_t invalid_prefix_bytes(const char* p, const char* end) {
  const auto byte = [p](int i) { return static_cast<uint8_t>(p[i]); };
  const uint32_t first = byte(0);
  if (first < 0xE0 || first > 0xF4 || end - p < 2) return 1;
  const uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 1;
  if (first < 0xF0) return 2;
  return end - p > 2 && (byte(2) & 0xC0) == 0x80 ? 3 : 2;
}

size_t valid_utf8_length(std::string_view bytes) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  for (const char* at = begin; at < end;) {
    if (static_cast<uint8_t>(*at) < 0x80) {
      while (end - at >= static_cast<std::ptrdiff_t>(sizeof(uint64_t)) && is_ascii_word(at))
        at += sizeof(uint64_t);
      while (at < end && static_cast<uint8_t>(*at) < 0x80) ++at;
      continue;
    }
    const DecodedChar c = decode_utf8(at, end);
    if (!c.valid) return static_cast<size_t>(at - begin);
    at += c.num_bytes;
  }
  return bytes.size();
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const size_t good = valid_utf8_length(bytes);
    text += bytes.substr(0, good);
    bytes.remove_prefix(good);
    if (bytes.empty()) break;
    text += kReplacement;
    bytes.remove_prefix(invalid_prefix_bytes(bytes.data(), bytes.data() + bytes.size()));
  }
  return text;
}

void append_utf8(std::string& out, uint32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.append({static_cast<char>(0xC0 | c >> 6), tail(0)});
  } else if (c < 0x10000) {
    out.append({static_cast<char>(0xE0 | c >> 12), tail(6), tail(0)});
  } else {
    out.append({static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0)});
  }
}

}  // namespace precis
