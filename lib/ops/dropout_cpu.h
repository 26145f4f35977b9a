// Multipliers of dropout for the kernels of the CPU.
#pragma once

#include <cstdint>

#include "lib/ops/dropout.h"

namespace precis::cpu {

/// Room that a row of dropout multipliers needs.
inline int64_t padded_to_group(int64_t count) {
  return (count + kDropoutGroup - 1) / kDropoutGroup * kDropoutGroup;
}

/// multipliers[0 .. count): 0 where dropped, scale where kept; for row a, plane b under a sample's
/// key (Dropout::key). Room for the last whole group is needed, and written.
void dropout_multipliers(const Dropout& dropout, uint64_t key, int64_t count, uint32_t a,
                         uint32_t b, float* multipliers);

}  // namespace precis::cpu
