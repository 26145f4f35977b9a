#include "lib/generate/repetition_penalty.h"

namespace precis {

std::unique_ptr<LogitsProcessor> RepetitionPenalty::make(const GenerationConfig& config,
                                                         const EndTokens&) {
  if (config.repetition_penalty == 1) return nullptr;
  return std::make_unique<RepetitionPenalty>(static_cast<float>(config.repetition_penalty));
}

void RepetitionPenalty::apply(const RowHistory& history, std::span<float> scores) const {
  const auto tokens = history.tokens;
  // All scores are read before one is written: a token that occurs twice is penalised once.
  std::vector<float> penalised(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto token = static_cast<size_t>(tokens[i]);
    if (token >= scores.size()) continue;
    penalised[i] = scores[token] < 0 ? scores[token] * penalty_ : scores[token] / penalty_;
  }
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto token = static_cast<size_t>(tokens[i]);
    if (token < scores.size()) scores[token] = penalised[i];
  }
}

}  // namespace precis
