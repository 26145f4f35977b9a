#include "lib/generate/no_repeat_ngram.h"

#include <algorithm>

namespace precis {

std::unique_ptr<LogitsProcessor> NoRepeatNgram::make(const GenerationConfig& config,
                                                     const EndTokens&) {
  if (config.no_repeat_ngram_size == 0) return nullptr;
  return std::make_unique<NoRepeatNgram>(config.no_repeat_ngram_size);
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

}  // namespace precis
