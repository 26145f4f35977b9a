#include "lib/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace precis {
namespace {

constexpr std::ptrdiff_t kSmall = 64;

double sum_of(std::span<const Candidate> kept) {
  double sum = 0;
  for (const Candidate& candidate : kept) sum += candidate.score;
  return sum;
}

/// Lighter first. Of equal weights the lower token, which torch's stable sort drops first.
bool lighter(const Candidate& a, const Candidate& b) {
  return a.score < b.score || (a.score == b.score && a.token < b.token);
}

/// The first token at which the running sum of weights exceeds its share of the whole.
int32_t draw_by_weight(std::span<const Candidate> kept, double uniform) {
  const double target = uniform * sum_of(kept);
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
      top_p_(config.top_p) {}

int32_t Sampler::draw(std::span<float> scores, double uniform, Workspace& workspace) const {
  if (top_k_ > 0) {
    top_candidates(scores, top_k_, workspace.sorted);
    // A second look, because all that tie with the last of the k stay.
    const float last = workspace.sorted.empty() ? 0 : workspace.sorted.back().score;
    collect_at_least(scores, last, workspace.kept);
    return draw_among_kept(uniform, workspace);
  }
  const double total = exponentials_in_place(scores, maximum(scores), scale_);
  if (top_p_ >= 1) return pick(scores, uniform * total);
  // Weights below this add up to less than top-p drops: most of a vocabulary need not be sorted.
  // The largest is 1.
  const double light = (1 - top_p_) * total / static_cast<double>(scores.size());
  collect_at_least(scores, std::min(static_cast<float>(light), 1.0F), workspace.kept);
  keep_nucleus(total, workspace);
  return draw_by_weight(workspace.kept, uniform);
}

int32_t Sampler::draw_among_kept(double uniform, Workspace& workspace) const {
  auto& kept = workspace.kept;
  float largest = -std::numeric_limits<float>::infinity();
  for (const Candidate& candidate : kept) largest = std::max(largest, candidate.score);
  for (Candidate& candidate : kept) {
    candidate.score = std::exp((candidate.score - largest) * scale_);
  }
  if (top_p_ < 1) keep_nucleus(sum_of(kept), workspace);
  return draw_by_weight(kept, uniform);
}

void Sampler::keep_nucleus(double total, Workspace& workspace) const {
  auto& [kept, sorted] = workspace;
  if (kept.empty()) return;
  // Transformers adds up the probabilities from the lightest and drops tokens up to a sum of 1 -
  // top_p, save the last.
  const double droppable = (1 - top_p_) * total;
  double dropped = total - sum_of(kept);
  sorted = kept;
  // Only the neighbourhood of the border gets sorted: the half that holds it is halved until it is
  // small.
  auto begin = sorted.begin(), end = sorted.end();
  while (end - begin > kSmall) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, lighter);
    const double lower_half = sum_of({begin, middle});
    if (dropped + lower_half <= droppable) {
      dropped += lower_half;
      begin = middle;
    } else {
      end = middle;
    }
  }
  std::sort(begin, end, lighter);
  while (begin + 1 < end && dropped + begin->score <= droppable) dropped += (begin++)->score;
  std::erase_if(kept, [&](const Candidate& candidate) { return lighter(candidate, *begin); });
}

}  // namespace precis
