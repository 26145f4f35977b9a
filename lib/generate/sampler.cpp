#include "lib/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/generate/rules.h"

namespace precis {
namespace {

/// The first token at which the running sum of weights exceeds its share of the whole.
int32_t draw_by_weight(std::span<const Candidate> kept, double uniform) {
  const double target = uniform * weight_of(kept);
  double sum = 0;
  int32_t token = kept.empty() ? 0 : kept.front().token;
  for (const Candidate& candidate : kept) {
    if (!(candidate.score > 0)) continue;
    token = candidate.token;
    sum += candidate.score;
    if (sum > target) break;
  }
  return token;
}

}  // namespace

Sampler::Sampler(const GenerationConfig& config)
    : scale_(static_cast<float>(1 / config.temperature)),
      top_k_(config.top_k),
      warpers_(make_warpers(config)) {}

int32_t Sampler::draw(std::span<float> scores, double uniform, DrawRow& row) const {
  if (top_k_ > 0) {
    top_candidates(scores, top_k_, row.sorted);
    // A second look, because all that tie with the last of the k stay.
    const float last = row.sorted.empty() ? 0 : row.sorted.back().score;
    collect_at_least(scores, last, row.kept);
    return draw_among_kept(uniform, row);
  }
  row.total = exponentials_in_place(scores, maximum(scores), scale_);
  if (warpers_.empty()) return pick(scores, uniform * row.total);
  collect_at_least(scores, warpers_.front()->least_weight(row.total, scores.size()), row.kept);
  warp(row);
  return draw_by_weight(row.kept, uniform);
}

int32_t Sampler::draw_among_kept(double uniform, DrawRow& row) const {
  float largest = -std::numeric_limits<float>::infinity();
  for (const Candidate& candidate : row.kept) largest = std::max(largest, candidate.score);
  for (Candidate& candidate : row.kept) {
    candidate.score = std::exp((candidate.score - largest) * scale_);
  }
  if (!warpers_.empty()) row.total = weight_of(row.kept);
  warp(row);
  return draw_by_weight(row.kept, uniform);
}

void Sampler::warp(DrawRow& row) const {
  for (size_t i = 0; i < warpers_.size(); ++i) {
    if (i > 0) row.total = weight_of(row.kept);
    warpers_[i]->apply(row);
  }
}

}  // namespace precis
