#include "lib/ops/cpu_product.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <new>

namespace precis::ops::cpu_product {
namespace {

int64_t over(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/// How y is cut into parts, each of which makes its own tiles of the lines it needs.
struct Grid {
  int64_t rows, columns;  ///< of a part
  int64_t down, across;   ///< parts

  int64_t count() const { return down * across; }
};

Grid grid_of(int64_t rows, int64_t columns, int64_t pieces) {
  constexpr int64_t kSquare = 32;
  const int64_t least = over(rows, cpu::kSplitRows);
  // Either more parts down, for which the lines of b are made ready again, or more across: those of
  // a.
  const int64_t down = over(least, pieces) * pieces;
  const bool by_rows = (down - least) * columns <= (pieces - 1) * rows && rows >= down * kSquare;
  Grid grid{};
  grid.rows = over(over(rows, by_rows ? down : least), kSquare) * kSquare;
  grid.columns = over(over(columns, by_rows ? 1 : pieces), kSquare) * kSquare;
  grid.down = over(rows, grid.rows);
  grid.across = over(columns, grid.columns);
  return grid;
}

/// Memory aligned to a cache line.
class Scratch {
 public:
  explicit Scratch(size_t bytes) : memory_(::operator new(bytes, kAlign)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { ::operator delete(memory_, kAlign); }
  void* data() const { return memory_; }

 private:
  static constexpr std::align_val_t kAlign{64};
  void* memory_;
};

cpu::SplitFactor left(const Product& product) {
  const ProductShape& s = product.shape;
  const auto* data = static_cast<const float*>(product.a);
  return s.a_transposed ? cpu::lines_are_columns(data, s.rows, s.a_stride)
                        : cpu::lines_are_rows(data, s.rows, s.a_stride);
}

cpu::SplitFactor right(const Product& product) {
  const ProductShape& s = product.shape;
  const auto* data = static_cast<const float*>(product.b);
  return s.b_transposed ? cpu::lines_are_rows(data, s.columns, s.b_stride)
                        : cpu::lines_are_columns(data, s.columns, s.b_stride);
}

}  // namespace

bool splits(int64_t rows, int64_t columns, int64_t inner, bool integers) {
  // Below, making the parts costs more than their products save.
  const int64_t few = integers ? 16 : 48;
  return rows >= few && std::min(columns, inner) >= 48 && cpu::amx::is_supported();
}

void multiply_split(const cpu::SplitProduct& product) {
  const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const Grid grid = grid_of(product.a.lines, product.b.lines, threads);
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min(threads, grid.count()), 1, [&](int64_t, int64_t) {
    const Scratch scratch(static_cast<size_t>(cpu::split_scratch(grid.rows, product.inner)));
    for (int64_t i = next++; i < grid.count(); i = next++) {
      const int64_t row = i / grid.across * grid.rows, column = i % grid.across * grid.columns;
      cpu::amx::multiply(product,
                         {row, std::min(grid.rows, product.a.lines - row), column,
                          std::min(grid.columns, product.b.lines - column)},
                         scratch.data());
    }
  });
}

bool run(const Product& product) {
  const ProductShape& s = product.shape;
  if (s.element != Element::kFloat || s.out_element != Element::kFloat ||
      s.epilogue != Epilogue::kNone || !splits(s.rows, s.columns, s.inner, /*integers=*/false))
    return false;
  multiply_split({left(product), right(product), s.inner, nullptr,
                  static_cast<const float*>(product.bias), static_cast<float*>(product.out),
                  s.out_stride, s.adds});
  return true;
}

}  // namespace precis::ops::cpu_product
