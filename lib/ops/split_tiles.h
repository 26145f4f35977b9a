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

/// Numbers first .. first + count of a strip's lines in tiles, one each kStep; what the matrix does
/// not have is zero.
inline void fill_strip(const SplitFactor& factor, int64_t strip, int64_t first, int64_t count,
                       Side side, uint16_t* to) {
  const bool by_lines = factor.inner_step == 1;
  const int64_t left = factor.lines - strip * kStrip, lines = left < kStrip ? left : kStrip;
  for (int64_t i = 0; i < count; i += kTileInner, to += kStep) {
    const int64_t inner = count - i < kTileInner ? count - i : kTileInner;
    const float* from = factor.data + strip * factor.strip_step + (first + i) * factor.inner_step;
    int64_t step = by_lines ? factor.line_step : factor.inner_step;
    float whole[kTile];
    if (lines < kStrip || inner < kTileInner) {
      const int64_t length = by_lines ? kTileInner : kStrip, rows = by_lines ? lines : inner,
                    columns = by_lines ? inner : lines;
      for (float& value : whole) value = 0;
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column)
          whole[row * length + column] = from[row * step + column];
      from = whole;
      step = length;
    }
    by_lines ? fill_by_lines(from, step, to) : fill_by_pairs(from, step, to);
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
  float* y;
  int64_t stride, rows, columns;
  const float* bias;
  bool begins, adds;  // begins: the first inner block, where `adds` tells whether y counts

  bool whole() const { return rows == 2 * kStrip && columns == 2 * kStrip; }
};

/// Tiles: sums of 2 x 2 tiles; see split_product_amx.cpp.
template <typename Tiles>
void multiply_square(Tiles& tiles, const uint16_t* a, const uint16_t* b, int64_t steps,
                     const Square& square) {
  constexpr int64_t kSize = 2 * kStrip;
  alignas(64) float own[kSize * kSize];
  const bool in_place = square.whole() && (square.bias == nullptr || !square.begins);
  float* const sums = in_place ? square.y : own;
  const int64_t stride = in_place ? square.stride : kSize;
  const bool from_y = !square.begins || square.adds;
  if (!in_place)
    for (int64_t row = 0; row < kSize; ++row)
      for (int64_t column = 0; column < kSize; ++column) {
        const bool there = row < square.rows && column < square.columns;
        own[row * kSize + column] =
            there ? (from_y ? square.y[row * square.stride + column] : 0) +
                        (square.begins && square.bias != nullptr ? square.bias[column] : 0)
                  : 0;
      }
  if (in_place && !from_y)
    tiles.clear();
  else
    tiles.load(sums, stride);
  for (int64_t step = 0; step < steps; ++step) tiles.add(a + step * kStep, b + step * kStep);
  tiles.store(sums, stride);
  if (in_place) return;
  for (int64_t row = 0; row < square.rows; ++row)
    for (int64_t column = 0; column < square.columns; ++column)
      square.y[row * square.stride + column] = own[row * kSize + column];
}

template <typename Tiles>
void multiply_part(Tiles& tiles, const SplitProduct& product, const ProductPart& part,
                   uint16_t* scratch) {
  constexpr int64_t kSize = 2 * kStrip;
  uint16_t* const right = scratch + kSplitRows / kSize * (kSplitInner / kTileInner) * kStep;
  for (int64_t first = 0; first < product.inner; first += kSplitInner) {
    const int64_t left = product.inner - first, count = left < kSplitInner ? left : kSplitInner,
                  steps = (count + kTileInner - 1) / kTileInner;
    for (int64_t row = 0; row < part.rows; row += kSize)
      fill_two(product.a, (part.row + row) / kStrip, first, count, Side::kLeft,
               scratch + row / kSize * steps * kStep);
    for (int64_t column = 0; column < part.columns; column += kSize) {
      fill_two(product.b, (part.column + column) / kStrip, first, count, Side::kRight, right);
      const int64_t columns = part.columns - column < kSize ? part.columns - column : kSize;
      for (int64_t row = 0; row < part.rows; row += kSize) {
        const int64_t rows = part.rows - row < kSize ? part.rows - row : kSize;
        const int64_t y_row = part.row + row, y_column = part.column + column;
        multiply_square(tiles, scratch + row / kSize * steps * kStep, right, steps,
                        {product.y + y_row * product.y_stride + y_column, product.y_stride, rows,
                         columns, product.bias == nullptr ? nullptr : product.bias + y_column,
                         first == 0, product.adds});
      }
    }
  }
}

}  // namespace
}  // namespace precis::cpu
