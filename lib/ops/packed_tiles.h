// The body of multiply_panels, which packed_product_cpu.cpp and packed_product_avx512.cpp compile
// for the instructions of each. Nothing here is shared between the two: what the linker takes from
// one file must not run where the other is meant, so no function of a library is called either.
#pragma once

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <cstdint>

#include "lib/ops/packed_product.h"

namespace precis::cpu {
namespace {

#ifdef __AVX512F__
constexpr int kLanes = 16, kMostRows = 8, kMostPanels = 3;  // 24 sums and 3 weights of 32 registers
#else
constexpr int kLanes = 8, kMostRows = 6, kMostPanels = 1;  // 12 sums and 2 weights of 16
#endif
constexpr int kVectors = kPanel / kLanes;  // of a panel
/// Bytes of x that stay in the second-level cache while all panels pass by.
constexpr int64_t kNearBytes = 512 * 1024;
#ifdef __AVX512F__
/// Weights are called for so many inputs before they are used, from memory or, in later passes over
/// a panel, from the second-level cache.
constexpr int64_t kNear = 16, kAheadPasses = 0;
#else
/// Up to so many passes over a panel the product waits for memory: the next panels are called for
/// while this one is used. With more passes the calls cost more than they bring.
constexpr int64_t kNear = 0, kAheadPasses = 4;
#endif

using Vector [[gnu::vector_size(kLanes * 4), gnu::aligned(4), gnu::may_alias]] = float;

inline Vector load(const float* from) {
  return *reinterpret_cast<const Vector*>(from);
}
// A bfloat16 is the upper half of a float. GCC 12 makes no vector code of the plain conversions.
#if defined(__AVX512F__)
inline Vector load(const uint16_t* from) {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline Vector load(const int8_t* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}
#elif defined(__AVX2__)
inline Vector load(const uint16_t* from) {
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}
inline Vector load(const int8_t* from) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}
#else
inline Vector load(const uint16_t* from) {
  using HalfWords [[gnu::vector_size(kLanes * 2), gnu::aligned(2), gnu::may_alias]] = uint16_t;
  using Words [[gnu::vector_size(kLanes * 4)]] = uint32_t;
  const Words words = __builtin_convertvector(*reinterpret_cast<const HalfWords*>(from), Words);
  return reinterpret_cast<Vector>(words << 16);
}
inline Vector load(const int8_t* from) {
  using Bytes [[gnu::vector_size(kLanes), gnu::aligned(1), gnu::may_alias]] = int8_t;
  return __builtin_convertvector(*reinterpret_cast<const Bytes*>(from), Vector);
}
#endif

/// What a tile of rows and panels works on; strides in elements.
template <typename W>
struct Tile {
  const float* x;
  int64_t in;
  const W* panels;
  const float *scales, *bias;
  float* y;
  int64_t y_stride, columns;  // columns: of y, at most those of the panels
  /// Where the panels lie that come next, so many bytes of them an input; null: not called for.
  const char* ahead;
  int64_t ahead_step;
};

template <typename W, int kRows, int kPanels>
void multiply_tile(const Tile<W>& tile) {
  constexpr int kAcross = kPanels * kVectors;
  const float* const x = tile.x;
  const W* const panels = tile.panels;
  const int64_t in = tile.in;
  Vector sums[kRows][kAcross];
  for (auto& row : sums)
    for (Vector& sum : row) sum = Vector{};
  for (int64_t i = 0; i < in; ++i) {
    if (tile.ahead != nullptr) __builtin_prefetch(tile.ahead + i * tile.ahead_step);
    Vector weights[kAcross];
    for (int p = 0; p < kPanels; ++p) {
      const W* const from = panels + (p * in + i) * kPanel;
      if constexpr (kNear > 0) __builtin_prefetch(from + kNear * kPanel);
      for (int v = 0; v < kVectors; ++v) weights[p * kVectors + v] = load(from + v * kLanes);
    }
    for (int row = 0; row < kRows; ++row)
      for (int v = 0; v < kAcross; ++v) sums[row][v] += x[row * in + i] * weights[v];
  }
  if (tile.columns == kPanels * kPanel) {
    for (int v = 0; v < kAcross; ++v) {
      const Vector bias = tile.bias != nullptr ? load(tile.bias + v * kLanes) : Vector{};
      for (int row = 0; row < kRows; ++row) {
        if (tile.scales != nullptr) sums[row][v] *= load(tile.scales + v * kLanes);
        *reinterpret_cast<Vector*>(tile.y + row * tile.y_stride + v * kLanes) = sums[row][v] + bias;
      }
    }
    return;
  }
  for (int row = 0; row < kRows; ++row) {  // the last panels may be wider than y
    const auto* values = reinterpret_cast<const float*>(sums[row]);
    for (int64_t column = 0; column < tile.columns; ++column)
      tile.y[row * tile.y_stride + column] =
          values[column] * (tile.scales != nullptr ? tile.scales[column] : 1) +
          (tile.bias != nullptr ? tile.bias[column] : 0);
  }
}

template <typename W, int kPanels>
void multiply_rows(int64_t rows, const Tile<W>& tile) {
  using Multiply = void (*)(const Tile<W>&);
  constexpr Multiply kByRows[] = {
      multiply_tile<W, 1, kPanels>, multiply_tile<W, 2, kPanels>, multiply_tile<W, 3, kPanels>,
      multiply_tile<W, 4, kPanels>, multiply_tile<W, 5, kPanels>, multiply_tile<W, 6, kPanels>,
#ifdef __AVX512F__
      multiply_tile<W, 7, kPanels>, multiply_tile<W, 8, kPanels>
#endif
  };
  Tile<W> part = tile;
  for (int64_t row = 0; row < rows;) {
    const int64_t here = rows - row < kMostRows ? rows - row : kMostRows;
    part.x = tile.x + row * tile.in;
    part.y = tile.y + row * tile.y_stride;
    kByRows[here - 1](part);
    row += here;
  }
}

/// Panels first .. last for some rows, as many panels at a time as there are registers for.
template <typename W>
void multiply_all(const PackedProduct& product, int64_t first, int64_t last) {
  int64_t near = kNearBytes / (product.in * 4) / kMostRows * kMostRows;
  if (near < kMostRows) near = kMostRows;
  for (int64_t row = 0; row < product.rows; row += near) {
    const int64_t rows = product.rows - row < near ? product.rows - row : near,
                  passes = (rows + kMostRows - 1) / kMostRows;  // over each panel
    for (int64_t panel = first; panel < last;) {
      const int64_t column = panel * kPanel,
                    panels = last - panel < kMostPanels ? last - panel : kMostPanels,
                    left = product.out - column;
      const W* weights = static_cast<const W*>(product.panels) + column * product.in;
      const Tile<W> tile{product.x + row * product.in,
                         product.in,
                         weights,
                         product.scales == nullptr ? nullptr : product.scales + column,
                         product.bias == nullptr ? nullptr : product.bias + column,
                         product.y + row * product.out + column,
                         product.out,
                         left < panels * kPanel ? left : panels * kPanel,
                         passes <= kAheadPasses && panel + panels < last
                             ? reinterpret_cast<const char*>(weights + panels * kPanel * product.in)
                             : nullptr,
                         static_cast<int64_t>(sizeof(W)) * kPanel * panels / passes};
      if (panels == 1) multiply_rows<W, 1>(rows, tile);
#ifdef __AVX512F__
      if (panels == 2) multiply_rows<W, 2>(rows, tile);
      if (panels == 3) multiply_rows<W, 3>(rows, tile);
#endif
      panel += panels;
    }
  }
}

}  // namespace
}  // namespace precis::cpu
