// Made-up rows for the tests of warpers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "lib/base/random.h"
#include "lib/generate/warper.h"

namespace precis::testing {

/// Weights of a row, the largest 1, many of them tiny.
inline DrawRow random_row(size_t size, uint64_t key) {
  RandomStream random(key);
  DrawRow row;
  float largest = 0;
  for (size_t i = 0; i < size; ++i) {
    row.kept.push_back(
        {static_cast<float>(std::exp(2 * random.normal())), static_cast<int32_t>(3 * i)});
    largest = std::max(largest, row.kept.back().score);
  }
  for (Candidate& candidate : row.kept) candidate.score /= largest;
  row.total = weight_of(row.kept);
  return row;
}

inline std::vector<int32_t> tokens_of(const DrawRow& row) {
  std::vector<int32_t> tokens;
  for (const Candidate& candidate : row.kept) tokens.push_back(candidate.token);
  return tokens;
}

}  // namespace precis::testing
