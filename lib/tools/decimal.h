// Numbers as decimal digits, all digits at once.
// Source: Khuong, "How to print integers really fast" (2017): a division by a constant is a
// product, and one product divides several numbers that stand side by side in a word.
#pragma once

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace precis {

/// Bytes that write_decimal() may write to.
inline constexpr size_t kDecimalBytes = 10;

/// Writes a number's digits and returns where they end; of kDecimalBytes bytes at `out` those
/// behind are of no meaning.
inline char* write_decimal(uint32_t value, char* out) {
  static_assert(std::endian::native == std::endian::little);
  if (value >= 100'000'000) return std::to_chars(out, out + kDecimalBytes, value).ptr;
  // Four digits in each half of a word, then two in each quarter, then one in each byte; the first
  // of them lowest.
  const uint64_t fours = value / 10'000 | uint64_t{value % 10'000} << 32;
  const uint64_t hundreds = (fours * 5243 >> 19) & 0x0000'007F'0000'007FU;
  const uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
  const uint64_t tens = (twos * 103 >> 10) & 0x000F'000F'000F'000FU;
  const uint64_t ones = tens | (twos - tens * 10) << 8;
  const int zeros = std::countr_zero(ones | uint64_t{1} << 56) & ~7;  // bits of those in front
  const uint64_t digits = (ones | 0x3030'3030'3030'3030U) >> zeros;
  std::memcpy(out, &digits, sizeof digits);
  return out + (64 - zeros) / 8;
}

}  // namespace precis
