// No n-gram twice, as transformers' NoRepeatNGramLogitsProcessor.
#pragma once

#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/generate/logits_processor.h"

namespace precis {

/// Bans each token that would complete an n-gram which prompt and text already have.
class NoRepeatNgram : public LogitsProcessor {
 public:
  explicit NoRepeatNgram(int64_t size) : size_(size) {}
  /// Null where the config has no such rule.
  static std::unique_ptr<LogitsProcessor> make(const GenerationConfig& config, const EndTokens&);
  void apply(const RowHistory& history, std::span<float> scores) const override;

 private:
  int64_t size_;
};

}  // namespace precis
