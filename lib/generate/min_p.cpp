#include "lib/generate/min_p.h"

#include <algorithm>

namespace precis {

std::unique_ptr<Warper> MinP::make(const GenerationConfig& config) {
  if (config.min_p == 0) return nullptr;
  return std::make_unique<MinP>(config.min_p);
}

float MinP::least_weight(double, size_t) const {
  return min_p_;
}

void MinP::apply(DrawRow& row) const {
  float largest = 0;
  for (const Candidate& candidate : row.kept) largest = std::max(largest, candidate.score);
  const float least = min_p_ * largest;
  std::erase_if(row.kept, [&](const Candidate& candidate) { return candidate.score < least; });
}

}  // namespace precis
