// How nanoGPT's optimizer numbers parameters.
#pragma once

#include <cstddef>
#include <vector>

#include "lib/model/parameters.h"

namespace precis {

/// Parameters in the order of the numbers in nanoGPT's optimizer state: matrices first, then
/// vectors, each in the order of named_parameters(). Indices into layout.slots().
struct OptimizerOrder {
  std::vector<size_t> slots;
  size_t num_matrices = 0;

  explicit OptimizerOrder(const ParameterLayout& layout) {
    std::vector<size_t> vectors;
    for (const size_t i : layout.named_order())
      (layout.slots()[i].is_matrix() ? slots : vectors).push_back(i);
    num_matrices = slots.size();
    slots.insert(slots.end(), vectors.begin(), vectors.end());
  }
};

}  // namespace precis
