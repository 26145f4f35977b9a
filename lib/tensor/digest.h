// A digest of numbers that tells whether two tensors are the same, wherever they are.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace precis {

/// Order-independent digest of a float32 tensor's bits.
uint64_t digest_of(const at::Tensor& flat);

/// The same as metrics.jsonl and checkpoints have it: 16 hexadecimal digits.
std::string digest_text(uint64_t digest);

}  // namespace precis
