// A shortest text, as transformers' MinNewTokensLengthLogitsProcessor.
#pragma once

#include <utility>

#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/generate/logits_processor.h"

namespace precis {

/// Bans the end tokens until the text has a minimum of tokens.
class MinNewTokens : public LogitsProcessor {
 public:
  MinNewTokens(int64_t minimum, EndTokens end_tokens)
      : minimum_(minimum), end_tokens_(std::move(end_tokens)) {}
  /// Null where the config has no such rule.
  static std::unique_ptr<LogitsProcessor> make(const GenerationConfig& config,
                                               const EndTokens& end_tokens);
  void apply(const RowHistory& history, std::span<float> scores) const override;

 private:
  int64_t minimum_;
  EndTokens end_tokens_;
};

}  // namespace precis
