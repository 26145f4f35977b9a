// Few distinct shapes of micro-batches, so that work on one of them can be recorded and used again,
// and libraries plan their kernels once.
#pragma once

#include <cstdint>

#include "lib/model/ragged_batch.h"

namespace precis {

/// The sizes of a batch's arrays, and how long its samples may be: what its kernels are started
/// with.
struct BatchShape {
  int64_t tokens = 0, samples = 0, targets = 0;
  int64_t max_length = 0;
  bool operator==(const BatchShape&) const = default;
};

BatchShape shape_of(const RaggedBatch& batch);

/// The shape that stands for all batches of about this one's counts. Tokens cost the most, so they
/// are rounded up to 1/32 of the power of two below; targets to an eighth; samples, which a GPU
/// hardly notices, to a quarter. There is always a sample more than are counted, with a row at
/// least, and none that is added is longer than the longest.
BatchShape shape_class(const RaggedBatch& batch);

/// The batch, on the CPU, with arrays of the sizes of `shape`, which shape_class of it or its own
/// may be. What is added are samples of token 0, and targets that count nothing, at the last row.
RaggedBatch padded(const RaggedBatch& batch, const BatchShape& shape);

}  // namespace precis
