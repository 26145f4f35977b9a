// Which of 64 bytes are of which kind, a bit for each.
#pragma once

#include <cstddef>
#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace precis {

/// Bit i is about byte i of 64. Letters, numbers and white space are those of ASCII.
struct ByteMasks {
  uint64_t letter = 0;
  uint64_t number = 0;
  uint64_t space = 0;
  uint64_t blank = 0;  ///< ' ', which is white space, too
  uint64_t apostrophe = 0;
  uint64_t non_ascii = 0;

  bool operator==(const ByteMasks&) const = default;
};

/// Of the 64 bytes at p, on any machine.
inline ByteMasks byte_masks_portable(const char* p) {
  ByteMasks masks;
  for (size_t i = 0; i < 64; ++i) {
    const auto b = static_cast<uint8_t>(p[i]);
    const auto put = [i](uint64_t& mask, bool is) { mask |= uint64_t{is} << i; };
    put(masks.letter, static_cast<uint8_t>((b | 0x20) - 'a') < 26);
    put(masks.number, static_cast<uint8_t>(b - '0') < 10);
    put(masks.blank, b == ' ');
    put(masks.space, b == ' ' || static_cast<uint8_t>(b - '\t') < 5);
    put(masks.apostrophe, b == '\'');
    put(masks.non_ascii, b >= 0x80);
  }
  return masks;
}

#if defined(__SSE2__)

/// The same, 16 bytes at a time.
inline ByteMasks byte_masks(const char* p) {
  ByteMasks masks;
  for (int part = 0; part < 4; ++part) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p) + part);
    const auto all = [](int byte) { return _mm_set1_epi8(static_cast<char>(byte)); };
    // SSE2 compares signed bytes: the range is moved to the smallest ones.
    const auto within = [&](__m128i values, int first, int count) {
      return _mm_cmplt_epi8(_mm_add_epi8(values, all(0x80 - first)), all(-0x80 + count));
    };
    const auto put = [part](uint64_t& mask, __m128i is) {
      mask |= uint64_t{static_cast<uint32_t>(_mm_movemask_epi8(is))} << (16 * part);
    };
    const __m128i blank = _mm_cmpeq_epi8(bytes, all(' '));
    put(masks.letter, within(_mm_or_si128(bytes, all(0x20)), 'a', 26));
    put(masks.number, within(bytes, '0', 10));
    put(masks.blank, blank);
    put(masks.space, _mm_or_si128(blank, within(bytes, '\t', 5)));
    put(masks.apostrophe, _mm_cmpeq_epi8(bytes, all('\'')));
    put(masks.non_ascii, bytes);
  }
  return masks;
}

#else

inline ByteMasks byte_masks(const char* p) {
  return byte_masks_portable(p);
}

#endif

}  // namespace precis
