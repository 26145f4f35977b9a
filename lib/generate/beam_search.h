// Beam search over one prompt, as a state machine that knows no model: candidates in, beams to go
// on with out. Reference: transformers 5, GenerationMixin._beam_search.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/generate/logits_processor.h"
#include "lib/generate/row_kernels.h"

namespace precis {

/// Starts with one beam, the prompt; from the first advance() on it has config.num_beams (fewer
/// only where the scores leave fewer tokens possible).
class BeamSearch {
 public:
  BeamSearch(std::span<const int32_t> prompt, const GenerationConfig& config,
             const EndTokens& end_tokens);

  /// How many of the best tokens of each beam advance() wants: enough that num_beams are left if
  /// all of the others end.
  int64_t candidates_per_beam() const {
    return (1 + std::max<int64_t>(1, static_cast<int64_t>(end_tokens_.size()))) * num_beams_;
  }
  int64_t num_beams() const { return static_cast<int64_t>(beams_.size()); }
  RowHistory history(int64_t beam) const;

  /// One step. candidates[i]: the best tokens of beam i with their log-probabilities, after the
  /// processors.
  void advance(std::span<const std::vector<Candidate>> candidates);

  bool done() const { return done_; }
  /// After advance(): which of the beams before it beam i continues, and with which token.
  int64_t parent(int64_t beam) const { return beams_[static_cast<size_t>(beam)].parent; }
  int32_t last_token(int64_t beam) const { return beams_[static_cast<size_t>(beam)].tokens.back(); }

  /// When done: the new tokens of the best hypothesis, without the end token.
  std::vector<int32_t> best() const;

 private:
  struct Beam {
    std::vector<int32_t> tokens;  ///< the prompt's and the new ones
    float score = 0;              ///< sum of log-probabilities
    int64_t parent = 0;
  };
  struct Hypothesis {
    std::vector<int32_t> tokens;  ///< new ones, without the end token
    float score = 0;              ///< sum of log-probabilities / length^length_penalty
  };
  struct Continuation {
    float score = 0;
    int32_t token = 0;
    int64_t parent = 0;
  };

  void rank_continuations(std::span<const std::vector<Candidate>> candidates);
  void continue_beams();
  void finish_hypotheses();
  void add_hypothesis(const Continuation& continuation);
  bool can_improve() const;
  bool ends(const Continuation& continuation) const;
  float length_factor(int64_t length) const;

  int64_t num_beams_;
  int64_t max_new_tokens_;
  double length_penalty_;
  bool stops_when_full_;
  bool never_stops_early_;
  EndTokens end_tokens_;
  int64_t prompt_length_;

  int64_t new_tokens_ = 0;  ///< of each beam
  bool done_ = false;
  std::vector<Beam> beams_;           ///< best first
  std::vector<Beam> former_;          ///< those before this step
  std::vector<Hypothesis> finished_;  ///< best first, at most num_beams
  std::vector<Continuation> ranked_;  ///< the best of this step, best first
};

}  // namespace precis
