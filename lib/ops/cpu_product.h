// Products on the CPU by our own kernels, where those are faster than LibTorch's libraries.
#pragma once

#include <cstdint>

#include "lib/ops/product.h"
#include "lib/ops/split_product.h"

namespace precis::ops::cpu_product {

/// Whether this CPU multiplies float32 by parts (split_product.h), and a product of this size, with
/// a right side of integers or of float32, is worth that.
bool splits(int64_t rows, int64_t columns, int64_t inner, bool integers);
/// By all threads. Only where splits() says so.
void multiply_split(const cpu::SplitProduct& product);

/// False, and nothing was done: LibTorch's libraries are to do it.
bool run(const Product& product);

}  // namespace precis::ops::cpu_product
