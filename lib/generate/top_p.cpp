#include "lib/generate/top_p.h"

#include <algorithm>

namespace precis {
namespace {

constexpr std::ptrdiff_t kSmall = 64;

/// Lighter first. Of equal weights the lower token, which torch's stable sort drops first.
bool lighter(const Candidate& a, const Candidate& b) {
  return a.score < b.score || (a.score == b.score && a.token < b.token);
}

}  // namespace

std::unique_ptr<Warper> TopP::make(const GenerationConfig& config) {
  if (config.top_p >= 1) return nullptr;
  return std::make_unique<TopP>(config.top_p);
}

float TopP::least_weight(double total, size_t num_tokens) const {
  // Weights below this add up to less than what is dropped.
  const double light = (1 - top_p_) * total / static_cast<double>(num_tokens);
  return std::min(static_cast<float>(light), 1.0F);
}

void TopP::apply(DrawRow& row) const {
  auto& kept = row.kept;
  auto& sorted = row.sorted;
  if (kept.empty()) return;
  // Transformers adds up the probabilities from the lightest and drops tokens up to a sum of 1 -
  // top_p, save the last.
  const double droppable = (1 - top_p_) * row.total;
  double dropped = row.total - weight_of(kept);
  sorted = kept;
  // Only the neighbourhood of the border gets sorted: the half that holds it is halved until it is
  // small.
  auto begin = sorted.begin(), end = sorted.end();
  while (end - begin > kSmall) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, lighter);
    const double lower_half = weight_of({begin, middle});
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
