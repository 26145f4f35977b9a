// A rule that changes a row of scores before a token is chosen. Reference: transformers,
// generation/logits_process.py. Which rules there are stands in rules.cpp.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace precis {

/// The tokens a row has so far: its prompt's, then those it was given.
struct RowHistory {
  std::span<const int32_t> tokens;
  int64_t prompt_length = 0;
};

/// The score of a token that may not be chosen.
inline constexpr float kBanned = -std::numeric_limits<float>::infinity();

/// Changes scores [V] in place: logits, or log-probabilities in a beam search. Called from several
/// threads at once.
class LogitsProcessor {
 public:
  virtual ~LogitsProcessor() = default;
  virtual void apply(const RowHistory& history, std::span<float> scores) const = 0;
};

using LogitsProcessors = std::vector<std::unique_ptr<LogitsProcessor>>;

}  // namespace precis
