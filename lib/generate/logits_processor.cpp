#include "lib/generate/logits_processor.h"

#include <algorithm>
#include <limits>

namespace precis {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();

}  // namespace

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

void NoRepeatNgram::apply(const RowHistory& history, std::span<float> scores) const {
  const auto tokens = history.tokens;
  const auto context_size = static_cast<size_t>(size_ - 1);
  if (tokens.size() < context_size + 1) return;
  // A walk over the history, about a microsecond, is cheaper than keeping an index of n-grams for
  // each beam, which would have to be copied whenever beams are reordered.
  const auto context = tokens.last(context_size);
  for (size_t next = context_size; next < tokens.size(); ++next) {
    if (!std::equal(context.begin(), context.end(), tokens.begin() + (next - context_size)))
      continue;
    const auto token = static_cast<size_t>(tokens[next]);
    if (token < scores.size()) scores[token] = kBanned;
  }
}

void MinNewTokens::apply(const RowHistory& history, std::span<float> scores) const {
  const int64_t new_tokens = static_cast<int64_t>(history.tokens.size()) - history.prompt_length;
  if (new_tokens >= minimum_) return;
  for (const int32_t token : end_tokens_) scores[static_cast<size_t>(token)] = kBanned;
}

LogitsProcessors make_processors(const GenerationConfig& config, const EndTokens& end_tokens) {
  LogitsProcessors processors;
  if (config.repetition_penalty != 1) {
    processors.push_back(
        std::make_unique<RepetitionPenalty>(static_cast<float>(config.repetition_penalty)));
  }
  if (config.no_repeat_ngram_size > 0) {
    processors.push_back(std::make_unique<NoRepeatNgram>(config.no_repeat_ngram_size));
  }
  if (config.min_new_tokens > 0) {
    processors.push_back(std::make_unique<MinNewTokens>(config.min_new_tokens, end_tokens));
  }
  return processors;
}

}  // namespace precis
