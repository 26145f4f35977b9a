// Which of a library's algorithms each product takes: the one that was the fastest when they were
// measured, once for all batches of about so many rows; or the library's own first guess.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "lib/ops/product.h"

namespace precis::ops {

/// What the library calls an algorithm; nobody else reads it.
struct ProductAlgorithm {
  std::array<uint64_t, 8> words{};
  bool operator==(const ProductAlgorithm&) const = default;
};

/// What ProductPlans asks of the library, so that a fake can stand in for it where there is no GPU.
class ProductLibrary {
 public:
  virtual ~ProductLibrary() = default;
  /// Those that can make the product, the most promising first; none where the library has none.
  virtual std::vector<ProductAlgorithm> algorithms(const Product& product, int at_most) = 0;
  /// Whether an algorithm that was offered for another product can make this one.
  virtual bool accepts(const Product& product, const ProductAlgorithm& algorithm) = 0;
  /// Seconds that it takes, or infinity where it does not run. May write to `out` and `aux` where
  /// the product does not add to what is there.
  virtual double seconds(const Product& product, const ProductAlgorithm& algorithm) = 0;
  /// Whether calls are recorded now, not run, so that nothing can be measured.
  virtual bool is_recording() = 0;
};

/// Decided once: by the shape, by how the addresses are aligned, and by the class of the number of
/// rows, since ragged batches have another one each time.
class ProductPlans {
 public:
  explicit ProductPlans(ProductLibrary& library) : library_(library) {}

  /// Null: the library has none for such a product. Valid until the next call. `measure`: whether
  /// time may be spent on finding the fastest.
  const ProductAlgorithm* choose(const Product& product, bool measure);
  /// The chosen one did not run: such products are not offered to the library again.
  void give_up(const Product& product);

  /// Numbers of rows that share a plan have this in common, the largest of them: eighths of a power
  /// of two.
  static int64_t row_class(int64_t rows);

 private:
  using Key = std::pair<ProductShape, std::array<uint32_t, 5>>;
  struct Plan {
    bool decided = false, measured = false;
    std::optional<ProductAlgorithm> best;
    int64_t rows = 0;                     // the last number that was asked for,
    std::optional<ProductAlgorithm> now;  // and what it takes: best, where that accepts it
  };
  static Key key_of(const Product& product);
  void decide(Plan& plan, const Product& product, bool measure);
  const ProductAlgorithm& fastest(const Product& product,
                                  const std::vector<ProductAlgorithm>& offered);

  ProductLibrary& library_;
  std::map<Key, Plan> plans_;
};

}  // namespace precis::ops
