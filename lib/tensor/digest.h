// A digest of numbers that tells whether two tensors are the same, wherever they are.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace precis {

/// Order-independent digest of a float32 tensor's bits.
uint64_t digest_of(const at::Tensor& flat);

}  // namespace precis
