// The body of a split product over a type of tiles: the CPU's for split_product_amx.cpp, plain
// arrays where a test looks at what is around them. Nothing here is shared between the two: what
// the linker takes from one file must not run where the other is meant, so no function of a library
// is called either.
#pragma once

#ifdef __AVX512BW__
#include <immintrin.h>
#endif

#include <cstdint>

#include "lib/ops/split_product.h"

namespace precis::cpu {
namespace {

constexpr int64_t kStrip = 16;                  // lines of a tile
constexpr int64_t kTileInner = 32;              // numbers of a line in a tile, two by two
constexpr int64_t kTile = kStrip * kTileInner;  // bfloat16s
constexpr int64_t kParts = 3;
/// What a step of kTileInner takes of two strips: [part][strip][tile].
constexpr int64_t kStep = kParts * 2 * kTile;

// A tile's row is 16 pairs: of neighbours along a line, or of two lines' numbers at the same places
// that are neighbours along all lines. Which of the two it is depends on how the matrix lies.

#ifdef __AVX512BW__

struct SplitVector {
  __m512i parts[kParts];  // the upper half of each 32 bits counts
};

inline SplitVector split(const float* from) {
  const __m512i half = _mm512_set1_epi32(0x8000),
                upper = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
  SplitVector v;
  __m512 rest = _mm512_loadu_ps(from);
  for (int part = 0; part < kParts; ++part) {
    v.parts[part] = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(rest), half), upper);
    rest = _mm512_sub_ps(rest, _mm512_castsi512_ps(v.parts[part]));
  }
  return v;
}

/// A tile whose rows are pairs of neighbours along 16 lines that are `step` apart.
inline void fill_by_lines(const float* from, int64_t step, uint16_t* to) {
  const __m512i odd =
      _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                       25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  for (int64_t line = 0; line < kStrip; ++line, to += kTileInner) {
    const SplitVector a = split(from + line * step), b = split(from + line * step + 16);
    for (int part = 0; part < kParts; ++part)
      _mm512_store_si512(to + part * 2 * kTile,
                         _mm512_permutex2var_epi16(a.parts[part], odd, b.parts[part]));
  }
}

/// A tile whose rows are pairs across 16 lines side by side; neighbours along them are `step`
/// apart.
inline void fill_by_pairs(const float* from, int64_t step, uint16_t* to) {
  for (int64_t pair = 0; pair < kTileInner / 2; ++pair, to += kTileInner) {
    const SplitVector a = split(from + 2 * pair * step), b = split(from + (2 * pair + 1) * step);
    for (int part = 0; part < kParts; ++part)
      _mm512_store_si512(to + part * 2 * kTile,
                         _mm512_or_si512(_mm512_srli_epi32(a.parts[part], 16), b.parts[part]));
  }
}

/// The same of integers, which have one part.
inline void fill_by_pairs(const int8_t* from, int64_t step, uint16_t* to) {
  const auto wide = [](const int8_t* bytes) {
    return _mm512_castps_si512(_mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)))));
  };
  for (int64_t pair = 0; pair < kTileInner / 2; ++pair, to += kTileInner)
    _mm512_store_si512(to, _mm512_or_si512(_mm512_srli_epi32(wide(from + 2 * pair * step), 16),
                                           wide(from + (2 * pair + 1) * step)));
}

/// The pairs of a tile, 16 x 16.
inline void transpose(uint16_t* tile) {
  __m512i a[16], b[16];
  for (int i = 0; i < 16; ++i) a[i] = _mm512_load_si512(tile + i * kTileInner);
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; ++j) {
      a[i + 2 * j] = _mm512_unpacklo_epi64(b[i + j], b[i + 2 + j]);
      a[i + 2 * j + 1] = _mm512_unpackhi_epi64(b[i + j], b[i + 2 + j]);
    }
  for (int i = 0; i < 16; i += 8)
    for (int j = 0; j < 4; ++j) {
      b[i + j] = _mm512_shuffle_i32x4(a[i + j], a[i + 4 + j], 0x88);
      b[i + 4 + j] = _mm512_shuffle_i32x4(a[i + j], a[i + 4 + j], 0xdd);
    }
  for (int j = 0; j < 8; ++j) {
    a[j] = _mm512_shuffle_i32x4(b[j], b[8 + j], 0x88);
    a[8 + j] = _mm512_shuffle_i32x4(b[j], b[8 + j], 0xdd);
  }
  for (int i = 0; i < 16; ++i) _mm512_store_si512(tile + i * kTileInner, a[i]);
}

#else

inline void split(float value, uint16_t* to, int64_t part_step) {
  for (int part = 0; part < kParts; ++part) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    bits = (bits + 0x8000U) & 0xffff0000U;
    float taken;
    __builtin_memcpy(&taken, &bits, sizeof(taken));
    to[part * part_step] = static_cast<uint16_t>(bits >> 16);
    value -= taken;
  }
}

inline void fill_by_lines(const float* from, int64_t step, uint16_t* to) {
  for (int64_t line = 0; line < kStrip; ++line)
    for (int64_t i = 0; i < kTileInner; ++i)
      split(from[line * step + i], to + line * kTileInner + i, 2 * kTile);
}

inline void fill_by_pairs(const float* from, int64_t step, uint16_t* to) {
  for (int64_t i = 0; i < kTileInner; ++i)
    for (int64_t line = 0; line < kStrip; ++line)
      split(from[i * step + line], to + i / 2 * kTileInner + 2 * line + i % 2, 2 * kTile);
}

inline void fill_by_pairs(const int8_t* from, int64_t step, uint16_t* to) {
  for (int64_t i = 0; i < kTileInner; ++i)
    for (int64_t line = 0; line < kStrip; ++line) {
      const auto value = static_cast<float>(from[i * step + line]);
      uint32_t bits;
      __builtin_memcpy(&bits, &value, sizeof(bits));
      to[i / 2 * kTileInner + 2 * line + i % 2] = static_cast<uint16_t>(bits >> 16);
    }
}

inline void transpose(uint16_t* tile) {
  for (int64_t i = 0; i < kStrip; ++i)
    for (int64_t j = 0; j < i; ++j)
      for (int64_t half = 0; half < 2; ++half) {
        uint16_t &a = tile[i * kTileInner + 2 * j + half], &b = tile[j * kTileInner + 2 * i + half];
        const uint16_t kept = a;
        a = b;
        b = kept;
      }
}

#endif

/// Which side of the product a tile is for: the left one's rows are lines, the right one's pairs.
enum class Side { kLeft, kRight };

/// A tile's numbers, zero where the matrix has none, by lines or side by side as they lie there.
template <typename T>
struct Whole {
  T at[kTile];

  Whole(const T* from, int64_t step, int64_t rows, int64_t columns, int64_t length) {
    for (T& value : at) value = 0;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column)
        at[row * length + column] = from[row * step + column];
  }
};

/// Numbers first .. first + count of a strip's lines in tiles, one each kStep; what the matrix does
/// not have is zero.
inline void fill_strip(const SplitFactor& factor, int64_t strip, int64_t first, int64_t count,
                       Side side, uint16_t* to) {
  const bool by_lines = factor.inner_step == 1;
  const int64_t left = factor.lines - strip * kStrip, lines = left < kStrip ? left : kStrip,
                step = by_lines ? factor.line_step : factor.inner_step;
  for (int64_t i = 0; i < count; i += kTileInner, to += kStep) {
    const int64_t inner = count - i < kTileInner ? count - i : kTileInner,
                  at = strip * factor.strip_step + (first + i) * factor.inner_step;
    const bool whole = lines == kStrip && inner == kTileInner;
    if (factor.integers) {
      const int8_t* from = static_cast<const int8_t*>(factor.data) + at;
      if (whole)
        fill_by_pairs(from, step, to);
      else
        fill_by_pairs(Whole<int8_t>(from, step, inner, lines, kStrip).at, kStrip, to);
      continue;
    }
    const float* from = static_cast<const float*>(factor.data) + at;
    if (by_lines && whole)
      fill_by_lines(from, step, to);
    else if (whole)
      fill_by_pairs(from, step, to);
    else if (by_lines)
      fill_by_lines(Whole<float>(from, step, lines, inner, kTileInner).at, kTileInner, to);
    else
      fill_by_pairs(Whole<float>(from, step, inner, lines, kStrip).at, kStrip, to);
    if (by_lines == (side == Side::kRight))
      for (int part = 0; part < kParts; ++part) transpose(to + part * 2 * kTile);
  }
}

/// Two strips after another; the second is zero where there is none.
inline void fill_two(const SplitFactor& factor, int64_t strip, int64_t first, int64_t count,
                     Side side, uint16_t* to) {
  for (int64_t i = 0; i < 2; ++i) fill_strip(factor, strip + i, first, count, side, to + i * kTile);
}

/// 32 x 32 numbers of y, or what of them there is.
struct Square {
  static constexpr int64_t kSize = 2 * kStrip;

  float* y;
  int64_t stride, rows, columns;
  const float *scales, *bias;
  bool from_y;  ///< what is in y counts
  bool ends;    ///< the last inner block

  bool in_place() const {
    return rows == kSize && columns == kSize && !(ends && (scales != nullptr || bias != nullptr));
  }
  void load(float* to) const {
    for (int64_t i = 0; i < kSize * kSize; ++i) to[i] = 0;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column)
        to[row * kSize + column] = y[row * stride + column];
  }
  /// `from` is changed.
  void store(float* from) const {
    float scale[kSize], offset[kSize];
    for (int64_t column = 0; column < kSize; ++column) {
      const bool there = ends && column < columns;
      scale[column] = there && scales != nullptr ? scales[column] : 1;
      offset[column] = there && bias != nullptr ? bias[column] : 0;
    }
    for (int64_t row = 0; row < rows; ++row, from += kSize) {
      for (int64_t column = 0; column < kSize; ++column)
        from[column] = from[column] * scale[column] + offset[column];
      for (int64_t column = 0; column < columns; ++column) y[row * stride + column] = from[column];
    }
  }
};

/// Puts what is in y into the tiles, or zeros, lets `add` add to them, and puts the sums into y.
template <typename Tiles, typename Add>
void sum_square(Tiles& tiles, const Square& square, const Add& add) {
  alignas(64) float own[Square::kSize * Square::kSize];
  const bool in_place = square.in_place();
  float* const sums = in_place ? square.y : own;
  const int64_t stride = in_place ? square.stride : Square::kSize;
  if (!square.from_y) {
    tiles.clear();
  } else {
    if (!in_place) square.load(own);
    tiles.load(sums, stride);
  }
  add();
  tiles.store(sums, stride);
  if (!in_place) square.store(own);
}

/// Adds the products of `steps` tiles of two strips each. The left side has but one of them where
/// there are at most 16 rows.
template <typename Tiles>
void add_steps(Tiles& tiles, const uint16_t* a, const uint16_t* b, int64_t steps, bool integers,
               bool one_strip) {
  for (int64_t step = 0; step < steps; ++step, a += kStep, b += kStep)
    integers ? tiles.add_integers(a, b, one_strip) : tiles.add(a, b, one_strip);
}

inline const float* from(const float* array, int64_t place) {
  return array == nullptr ? nullptr : array + place;
}

inline int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

inline Square square_of(const SplitProduct& product, const ProductPart& part, int64_t row,
                        int64_t column) {
  const int64_t y_row = part.row + row, y_column = part.column + column;
  return {product.y + y_row * product.y_stride + y_column,
          product.y_stride,
          least(part.rows - row, Square::kSize),
          least(part.columns - column, Square::kSize),
          from(product.scales, y_column),
          from(product.bias, y_column),
          product.adds,
          true};
}

inline int64_t steps_of(int64_t inner) {
  return (inner + kTileInner - 1) / kTileInner;
}

/// A product of at most 32 rows: all of their parts stay near, and the sums in the tiles until they
/// are whole.
template <typename Tiles>
void multiply_few_rows(Tiles& tiles, const SplitProduct& product, const ProductPart& part,
                       uint16_t* left) {
  uint16_t* const right = left + steps_of(product.inner) * kStep;
  const bool one_strip = part.rows <= kStrip;
  if (one_strip)
    fill_strip(product.a, part.row / kStrip, 0, product.inner, Side::kLeft, left);
  else
    fill_two(product.a, part.row / kStrip, 0, product.inner, Side::kLeft, left);
  for (int64_t column = 0; column < part.columns; column += Square::kSize)
    sum_square(tiles, square_of(product, part, 0, column), [&] {
      for (int64_t first = 0; first < product.inner; first += kSplitInner) {
        const int64_t count = least(product.inner - first, kSplitInner);
        fill_two(product.b, (part.column + column) / kStrip, first, count, Side::kRight, right);
        add_steps(tiles, left + first / kTileInner * kStep, right, steps_of(count),
                  product.b.integers, one_strip);
      }
    });
}

template <typename Tiles>
void multiply_part(Tiles& tiles, const SplitProduct& product, const ProductPart& part,
                   uint16_t* left) {
  if (product.a.lines <= Square::kSize) return multiply_few_rows(tiles, product, part, left);
  const int64_t squares = (part.rows + Square::kSize - 1) / Square::kSize;
  uint16_t* const right = left + squares * steps_of(least(product.inner, kSplitInner)) * kStep;
  for (int64_t first = 0; first < product.inner; first += kSplitInner) {
    const int64_t count = least(product.inner - first, kSplitInner), steps = steps_of(count);
    for (int64_t i = 0; i < squares; ++i)
      fill_two(product.a, (part.row + i * Square::kSize) / kStrip, first, count, Side::kLeft,
               left + i * steps * kStep);
    for (int64_t column = 0; column < part.columns; column += Square::kSize) {
      fill_two(product.b, (part.column + column) / kStrip, first, count, Side::kRight, right);
      for (int64_t i = 0; i < squares; ++i) {
        Square square = square_of(product, part, i * Square::kSize, column);
        square.from_y |= first > 0;
        square.ends = first + count == product.inner;
        sum_square(tiles, square, [&] {
          add_steps(tiles, left + i * steps * kStep, right, steps, product.b.integers,
                    /*one_strip=*/false);
        });
      }
    }
  }
}

}  // namespace
}  // namespace precis::cpu
