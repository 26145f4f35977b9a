// Counting pairs of neighbouring tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace precis {

/// How many bigrams two texts share: for each distinct one the smaller of its two counts.
size_t num_shared_bigrams(std::span<const uint32_t> reference,
                          std::span<const uint32_t> prediction);

}  // namespace precis
