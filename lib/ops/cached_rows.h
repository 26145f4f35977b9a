// Where decoding finds what attention has computed of the tokens before: the one form of it, from
// the cache that keeps it to the kernels.
#pragma once

#include <cstdint>

namespace precis {

/// B rows of a batch; each is a list of slots of a cache [slots, 2C], its newest token's included.
/// Arrays are used, not owned.
struct CachedRows {
  const int32_t* table = nullptr;    ///< [B, stride]: the slots of row b are the first lengths[b]
  const int32_t* lengths = nullptr;  ///< [B]
  int64_t rows = 0;                  ///< B
  int64_t stride = 0;                ///< at least the largest of lengths
  /// The same in the memory of the device that has the cache; null: that is the CPU.
  const int32_t *device_table = nullptr, *device_lengths = nullptr;
};

/// The heads that a row of C channels is divided into.
struct AttentionHeads {
  int64_t count = 1, size = 1;
  int64_t width() const { return count * size; }  ///< C
};

}  // namespace precis
