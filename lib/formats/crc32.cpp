// Tables: slicing-by-8 (Kounavis and Berry, "Novel table lookup-based algorithms for
// high-performance CRC generation", 2008). x86: folding by carry-less multiplication (Gopal et al.,
// "Fast CRC computation for generic polynomials using PCLMULQDQ", Intel 2009); its last reduction
// is left to the tables.
#include "lib/formats/crc32.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace precis {

namespace {

using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320U : 0U);
    tables[0][byte] = crc;
  }
  for (size_t slice = 1; slice < 8; ++slice) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t shorter = tables[slice - 1][byte];
      tables[slice][byte] = (shorter >> 8) ^ tables[0][shorter & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

/// On the raw register, without the inversions at both ends.
uint32_t update_by_tables(uint32_t crc, const std::byte* bytes, size_t size) {
  for (; size >= 8; bytes += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);  // little-endian, as all of this project's files
    word ^= crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xFF];
  }
  for (; size > 0; ++bytes, --size) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ std::to_integer<uint32_t>(*bytes)) & 0xFF];
  }
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("pclmul,sse2"))) __m128i fold(__m128i state, __m128i next, __m128i factors) {
  const __m128i low = _mm_clmulepi64_si128(state, factors, 0x00);
  const __m128i high = _mm_clmulepi64_si128(state, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/// size >= 64.
__attribute__((target("pclmul,sse2"))) uint32_t update_by_folding(uint32_t crc,
                                                                  const std::byte* bytes,
                                                                  size_t size) {
  const auto load = [](const std::byte* at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  };
  // x^(n+32) and x^(n-32) mod P, bits reflected, for folding over n = 512 and n = 128 bits.
  const __m128i over512 = _mm_set_epi64x(0x1C6E41596, 0x154442BD4);
  const __m128i over128 = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0);
  __m128i lanes[4];
  for (int i = 0; i < 4; ++i) lanes[i] = load(bytes + 16 * i);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(static_cast<int>(crc)));
  bytes += 64;
  size -= 64;
  for (; size >= 64; bytes += 64, size -= 64) {
    for (int i = 0; i < 4; ++i) lanes[i] = fold(lanes[i], load(bytes + 16 * i), over512);
  }
  __m128i rest = lanes[0];
  for (int i = 1; i < 4; ++i) rest = fold(rest, lanes[i], over128);
  for (; size >= 16; bytes += 16, size -= 16) rest = fold(rest, load(bytes), over128);
  std::byte last[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last), rest);
  return update_by_tables(update_by_tables(0, last, sizeof last), bytes, size);
}
#endif

}  // namespace

uint32_t detail::crc32_by_tables(std::span<const std::byte> bytes, uint32_t before) {
  return ~update_by_tables(~before, bytes.data(), bytes.size());
}

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before) {
#if defined(__x86_64__)
  static const bool can_fold = __builtin_cpu_supports("pclmul");
  if (can_fold && bytes.size() >= 64) {
    return ~update_by_folding(~before, bytes.data(), bytes.size());
  }
#endif
  return detail::crc32_by_tables(bytes, before);
}

}  // namespace precis
