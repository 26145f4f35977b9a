#include "lib/generate/beam_search.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace precis {

BeamSearch::BeamSearch(std::span<const int32_t> prompt, const GenerationConfig& config,
                       const EndTokens& end_tokens)
    : num_beams_(config.num_beams),
      max_new_tokens_(config.max_new_tokens),
      length_penalty_(config.length_penalty),
      stops_when_full_(config.early_stopping == "true"),
      never_stops_early_(config.early_stopping == "never"),
      end_tokens_(end_tokens),
      prompt_length_(static_cast<int64_t>(prompt.size())) {
  beams_.push_back({{prompt.begin(), prompt.end()}});
}

RowHistory BeamSearch::history(int64_t beam) const {
  return {beams_[static_cast<size_t>(beam)].tokens, prompt_length_};
}

void BeamSearch::advance(std::span<const std::vector<Candidate>> candidates) {
  assert(!done_ && candidates.size() == beams_.size());
  rank_continuations(candidates);
  finish_hypotheses();
  continue_beams();
  ++new_tokens_;
  const bool full = static_cast<int64_t>(finished_.size()) == num_beams_;
  done_ = beams_.empty() || new_tokens_ == max_new_tokens_ || (full && stops_when_full_) ||
          !can_improve();
}

/// The best candidates_per_beam() over all beams. Equal scores: the earlier beam, then the lower
/// token.
void BeamSearch::rank_continuations(std::span<const std::vector<Candidate>> candidates) {
  ranked_.clear();
  for (size_t beam = 0; beam < candidates.size(); ++beam) {
    for (const Candidate& candidate : candidates[beam]) {
      const float score = candidate.score + beams_[beam].score;
      if (!std::isfinite(score)) continue;  // a banned token
      ranked_.push_back({score, candidate.token, static_cast<int64_t>(beam)});
    }
  }
  const auto ahead = [](const Continuation& a, const Continuation& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.parent != b.parent ? a.parent < b.parent : a.token < b.token;
  };
  const auto kept = std::min(ranked_.size(), static_cast<size_t>(candidates_per_beam()));
  std::partial_sort(ranked_.begin(), ranked_.begin() + static_cast<std::ptrdiff_t>(kept),
                    ranked_.end(), ahead);
  ranked_.resize(kept);
}

bool BeamSearch::ends(const Continuation& continuation) const {
  return is_end(end_tokens_, continuation.token) || new_tokens_ + 1 == max_new_tokens_;
}

/// A complete text counts only if it is among the best num_beams; the others are there to keep
/// beams running.
void BeamSearch::finish_hypotheses() {
  const auto best = std::min(ranked_.size(), static_cast<size_t>(num_beams_));
  for (size_t i = 0; i < best; ++i) {
    if (ends(ranked_[i])) add_hypothesis(ranked_[i]);
  }
}

void BeamSearch::add_hypothesis(const Continuation& continuation) {
  const float score = continuation.score / length_factor(new_tokens_ + 1);
  const auto place = std::find_if(finished_.begin(), finished_.end(),
                                  [&](const Hypothesis& other) { return score > other.score; });
  if (place == finished_.end() && static_cast<int64_t>(finished_.size()) == num_beams_) return;
  const auto& tokens = beams_[static_cast<size_t>(continuation.parent)].tokens;
  Hypothesis hypothesis{{tokens.begin() + prompt_length_, tokens.end()}, score};
  if (!is_end(end_tokens_, continuation.token)) hypothesis.tokens.push_back(continuation.token);
  finished_.insert(place, std::move(hypothesis));
  if (static_cast<int64_t>(finished_.size()) > num_beams_) finished_.pop_back();
}

void BeamSearch::continue_beams() {
  std::swap(beams_, former_);
  size_t count = 0;
  beams_.resize(static_cast<size_t>(num_beams_));
  for (const Continuation& continuation : ranked_) {
    if (count == beams_.size()) break;
    if (ends(continuation)) continue;
    Beam& beam = beams_[count++];
    const auto& tokens = former_[static_cast<size_t>(continuation.parent)].tokens;
    beam.tokens.assign(tokens.begin(), tokens.end());
    beam.tokens.push_back(continuation.token);
    beam.score = continuation.score;
    beam.parent = continuation.parent;
  }
  beams_.resize(count);
}

/// Whether the best beam, had it ended here, would beat the worst complete text. A heuristic for
/// positive length penalties, where a longer text could still win; it is transformers' for
/// early_stopping False and True. With "never" it is the longest text's length that counts then.
bool BeamSearch::can_improve() const {
  if (static_cast<int64_t>(finished_.size()) < num_beams_) return true;
  const int64_t length = never_stops_early_ && length_penalty_ > 0 ? max_new_tokens_ : new_tokens_;
  return beams_.front().score / length_factor(length) > finished_.back().score;
}

float BeamSearch::length_factor(int64_t length) const {
  return static_cast<float>(std::pow(static_cast<double>(length), length_penalty_));
}

std::vector<int32_t> BeamSearch::best() const {
  assert(done_);
  if (!finished_.empty()) return finished_.front().tokens;
  // Every token of every beam was banned before a text was complete: what the best beam had.
  const auto& tokens = former_.front().tokens;
  return {tokens.begin() + prompt_length_, tokens.end()};
}

}  // namespace precis
