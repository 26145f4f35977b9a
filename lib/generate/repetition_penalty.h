// Keskar et al., "CTRL: A Conditional Transformer Language Model for Controllable Generation"
// (2019), section 4.1; for negative scores as transformers has it.
#pragma once

#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/generate/logits_processor.h"

namespace precis {

/// Scores of tokens that occur in prompt or text are divided by the penalty, negative ones
/// multiplied.
class RepetitionPenalty : public LogitsProcessor {
 public:
  explicit RepetitionPenalty(float penalty) : penalty_(penalty) {}
  /// Null where the config has no such rule.
  static std::unique_ptr<LogitsProcessor> make(const GenerationConfig& config, const EndTokens&);
  void apply(const RowHistory& history, std::span<float> scores) const override;

 private:
  float penalty_;
};

}  // namespace precis
