// How nanoGPT's optimizer numbers parameters.
#pragma once

#include <cstddef>
#include <vector>

#include "lib/model/parameter_table.h"

namespace precis {

/// The parameters that are trained in the order of the numbers in nanoGPT's optimizer state: those
/// that decay first, then the others, each in the order of files. Indices into table.slots().
struct OptimizerOrder {
  std::vector<size_t> slots;
  size_t num_decayed = 0;

  explicit OptimizerOrder(const ParameterTable& table) {
    std::vector<size_t> others;
    for (const size_t i : table.file_order()) {
      if (!table.slots()[i].trainable) continue;
      (table.slots()[i].decay ? slots : others).push_back(i);
    }
    num_decayed = slots.size();
    slots.insert(slots.end(), others.begin(), others.end());
  }
};

}  // namespace precis
