#include "lib/text/byte_alphabet.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "lib/base/utf8.h"

namespace precis {

namespace {

constexpr bool prints(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<uint16_t, kNumBytes> kSymbols = [] {
  std::array<uint16_t, kNumBytes> symbols{};
  uint16_t next = kNumBytes;
  for (int b = 0; b < kNumBytes; ++b)
    symbols[static_cast<size_t>(b)] = prints(b) ? static_cast<uint16_t>(b) : next++;
  return symbols;
}();

constexpr size_t kSymbolLimit = 256 + 68;  // 68 bytes do not print

/// Symbol to byte; -1 where no byte has it.
constexpr std::array<int16_t, kSymbolLimit> kBytes = [] {
  std::array<int16_t, kSymbolLimit> bytes{};
  for (int16_t& b : bytes) b = -1;
  for (size_t b = 0; b < kNumBytes; ++b) bytes[kSymbols[b]] = static_cast<int16_t>(b);
  return bytes;
}();

}  // namespace

uint32_t symbol_of_byte(uint8_t byte) {
  return kSymbols[byte];
}

std::string spell(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) append_utf8(text, symbol_of_byte(static_cast<uint8_t>(c)));
  return text;
}

std::optional<std::string> unspell(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const DecodedChar c = decode_utf8(p, end);
    if (!c.valid || c.code_point >= kSymbolLimit || kBytes[c.code_point] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kBytes[c.code_point]));
    p += c.num_bytes;
  }
  return bytes;
}

std::string bytes_in_symbol_order() {
  std::string bytes;
  for (int b = 0; b < kNumBytes; ++b) bytes.push_back(static_cast<char>(b));
  std::sort(bytes.begin(), bytes.end(), [](char a, char b) {
    return symbol_of_byte(static_cast<uint8_t>(a)) < symbol_of_byte(static_cast<uint8_t>(b));
  });
  return bytes;
}

}  // namespace precis
