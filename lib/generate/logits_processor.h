// Rules that change a row of scores before a token is chosen. Reference: transformers,
// generation/logits_process.py.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"

namespace precis {

/// The tokens a row has so far: its prompt's, then those it was given.
struct RowHistory {
  std::span<const int32_t> tokens;
  int64_t prompt_length = 0;
};

/// Changes scores [V] in place: logits, or log-probabilities in a beam search. Called from several
/// threads at once.
class LogitsProcessor {
 public:
  virtual ~LogitsProcessor() = default;
  virtual void apply(const RowHistory& history, std::span<float> scores) const = 0;
};

/// Scores of tokens that occur in prompt or text are divided by the penalty, negative ones
/// multiplied (Keskar et al., "CTRL", 2019).
class RepetitionPenalty : public LogitsProcessor {
 public:
  explicit RepetitionPenalty(float penalty) : penalty_(penalty) {}
  void apply(const RowHistory& history, std::span<float> scores) const override;

 private:
  float penalty_;
};

/// Bans each token that would complete an n-gram which prompt and text already have.
class NoRepeatNgram : public LogitsProcessor {
 public:
  explicit NoRepeatNgram(int64_t size) : size_(size) {}
  void apply(const RowHistory& history, std::span<float> scores) const override;

 private:
  int64_t size_;
};

/// Bans the end tokens until the text has a minimum of tokens.
class MinNewTokens : public LogitsProcessor {
 public:
  MinNewTokens(int64_t minimum, EndTokens end_tokens)
      : minimum_(minimum), end_tokens_(std::move(end_tokens)) {}
  void apply(const RowHistory& history, std::span<float> scores) const override;

 private:
  int64_t minimum_;
  EndTokens end_tokens_;
};

using LogitsProcessors = std::vector<std::unique_ptr<LogitsProcessor>>;

/// The processors a config asks for, in transformers' order; none for a plain config.
LogitsProcessors make_processors(const GenerationConfig& config, const EndTokens& end_tokens);

}  // namespace precis
