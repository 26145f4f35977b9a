#include "lib/generate/min_new_tokens.h"

namespace precis {

std::unique_ptr<LogitsProcessor> MinNewTokens::make(const GenerationConfig& config,
                                                    const EndTokens& end_tokens) {
  if (config.min_new_tokens == 0) return nullptr;
  return std::make_unique<MinNewTokens>(config.min_new_tokens, end_tokens);
}

void MinNewTokens::apply(const RowHistory& history, std::span<float> scores) const {
  const int64_t new_tokens = static_cast<int64_t>(history.tokens.size()) - history.prompt_length;
  if (new_tokens >= minimum_) return;
  for (const int32_t token : end_tokens_) scores[static_cast<size_t>(token)] = kBanned;
}

}  // namespace precis
