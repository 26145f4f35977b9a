// The few calls of cuBLASLt that we make, over the CPU's memory: a test that links this gets them
// in place of the library's. What is said of a product in cuBLASLt's words (matrices by columns,
// transposes, strides, epilogues) is computed as it is said, element by element.
#pragma once

#include <cstddef>
#include <cstdint>

namespace precis::testing {

/// What cuBLASLt does while it lives, and what it was asked.
struct FakeCublasLt {
  FakeCublasLt();
  FakeCublasLt(const FakeCublasLt&) = delete;
  FakeCublasLt& operator=(const FakeCublasLt&) = delete;
  ~FakeCublasLt();

  int offered = 3;           ///< algorithms, of which the first is not in order
  bool refuses = false;      ///< the heuristic has none
  bool runs = true;          ///< cublasLtMatmul supports what the heuristic offered
  size_t checked_bytes = 0;  ///< of workspace that a check of an algorithm finds it needs
  int products = 0, searches = 0;
  int alive = 0;  ///< descriptors
  uint64_t last_algorithm = 0;
  uint32_t reductions = 0;     ///< that the last search allowed
  size_t workspace_bytes = 0;  ///< that it allowed
  bool tf32 = false;           ///< the last product's
};

}  // namespace precis::testing
