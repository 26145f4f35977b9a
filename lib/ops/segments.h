// The samples that a tensor of rows holds one after another: all that an operation knows of a
// batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace precis::ops {

/// B samples of N rows in all; sample b is rows offsets[b] .. offsets[b + 1]. Every row is some
/// sample's: what attention computes of others is not defined.
struct Segments {
  at::Tensor offsets;                 ///< [B + 1] int32, on the rows' device
  std::vector<int32_t> host_offsets;  ///< the same on the host; empty in work that is recorded,
                                      ///< which must not depend on it
  at::Tensor keys;                    ///< [B] int64: what each sample's dropout depends on
  int64_t max_length = 0;             ///< no sample has more rows

  int64_t num_samples() const { return offsets.size(0) - 1; }
  int64_t num_rows() const { return host_offsets.back(); }
};

}  // namespace precis::ops
