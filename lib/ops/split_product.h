// Products of float32 matrices on CPUs that multiply tiles of bfloat16 (AMX): each number is the
// sum of three bfloat16 parts, and six of the nine products of the parts are added up in float32.
// What is left out is below 2^-24 of a product; errors are those of sums in float32. Faster than
// products in float32 (here 250 GFLOP/s a core, MKL's 157). Raw memory, no tensors. Source: Henry,
// Tang and Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
// Computations", 2019.
#pragma once

#include <cstdint>

namespace precis::cpu {

/// One side of a product, as lines (rows of y for the left one, columns of y for the right one) of
/// numbers that are summed over. Lines are in strips of 16. Steps in elements; line_step or
/// inner_step is 1.
struct SplitFactor {
  const void* data;  ///< float, or int8_t where `integers` says so
  int64_t lines;
  int64_t strip_step;  ///< from the first line of a strip to that of the next
  int64_t line_step;   ///< within a strip
  int64_t inner_step;  ///< along a line
  /// Each is a bfloat16 as it is: three products with the parts of the other side's. Of b alone,
  /// its lines side by side.
  bool integers = false;
};

/// A matrix whose rows are the lines.
inline SplitFactor lines_are_rows(const float* data, int64_t lines, int64_t stride) {
  return {data, lines, 16 * stride, stride, 1};
}
/// A matrix whose columns are the lines.
inline SplitFactor lines_are_columns(const float* data, int64_t lines, int64_t stride) {
  return {data, lines, 16, 1, stride};
}

/// y [a.lines, b.lines] = the sums over `inner`, plus bias [b.lines] (may be null); `adds`: +=
/// them. A number of y does not depend on the lines beside its own.
struct SplitProduct {
  SplitFactor a, b;
  int64_t inner;
  const float *scales, *bias;
  float* y;
  int64_t y_stride;
  bool adds;
};

/// A part of y: at most kSplitRows rows; row and column are multiples of 16.
struct ProductPart {
  int64_t row, rows, column, columns;
};

constexpr int64_t kSplitRows = 512;  ///< parts of so many lines of a stay in the second-level cache
constexpr int64_t kSplitInner = 384;  ///< summed over at a time
/// Bytes of memory that a call works in, aligned to 64, for parts of at most so many rows: the
/// parts of these lines of a, and of two strips of b.
constexpr int64_t split_scratch(int64_t rows, int64_t inner) {
  const int64_t whole = (inner + 31) / 32 * 32, piece = whole < kSplitInner ? whole : kSplitInner;
  const int64_t left = rows <= 32 ? 32 * whole : (rows + 31) / 32 * 32 * piece;
  return (left + 32 * piece) * 3 * 2;
}

namespace amx {

/// Whether this CPU has the instructions and the kernel lets this process use them, which is asked
/// for here; without them the function below must not be called.
bool is_supported();
void multiply(const SplitProduct& product, const ProductPart& part, void* scratch);

}  // namespace amx
}  // namespace precis::cpu
