// What names the rows of an array to dropout, on the CPU over raw memory.
#pragma once

#include <cstdint>

namespace precis::cpu {

/// What identifies the rows of an [N, C] array for dropout: one key and one position each.
struct RowIds {
  const int64_t* keys = nullptr;
  const int64_t* positions = nullptr;
};

}  // namespace precis::cpu
