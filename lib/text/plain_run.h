// Finds what stands for itself inside a JSON string, 16 bytes at a time.
#pragma once

#include <bit>
#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace precis {

/// A run of bytes without '"', '\' and control characters.
struct PlainRun {
  const char* end;
  bool ascii;  ///< none of its bytes has the highest bit
};

/// The longest run that begins at p, on any machine.
inline PlainRun plain_run_portable(const char* p, const char* end) {
  uint8_t all = 0;
  for (; p < end && *p != '"' && *p != '\\' && static_cast<uint8_t>(*p) >= 0x20; ++p)
    all |= static_cast<uint8_t>(*p);
  return {p, all < 0x80};
}

/// The same.
inline PlainRun plain_run(const char* p, const char* end) {
  unsigned high = 0;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1F);
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i quotes =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
    const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const auto stops = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(quotes, controls)));
    const auto highs = static_cast<unsigned>(_mm_movemask_epi8(bytes));
    if (stops != 0) {
      high |= highs & ((stops & -stops) - 1);
      return {p + std::countr_zero(stops), high == 0};
    }
    high |= highs;
  }
#endif
  const PlainRun rest = plain_run_portable(p, end);
  return {rest.end, rest.ascii && high == 0};
}

}  // namespace precis
