#include "lib/text/prompt.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/utf8.h"
#include "lib/text/splitter.h"
#include "lib/text/unicode_classes.h"

namespace precis {

namespace {

/// Where the utterances of a dialogue begin: starts of lines that are not blank.
std::vector<size_t> utterance_starts(std::string_view dialogue) {
  constexpr auto kSpace = static_cast<uint8_t>(CharClass::kSpace);
  std::vector<size_t> starts;
  for (size_t begin = 0; begin < dialogue.size();) {
    const size_t end = std::min(dialogue.find('\n', begin), dialogue.size());
    const char* line_end = dialogue.data() + end;
    if (splitter::run_end(dialogue.data() + begin, line_end, kSpace) != line_end)
      starts.push_back(begin);
    begin = end + 1;
  }
  return starts;
}

/// Where the characters of a text start, from `begin` on.
std::vector<size_t> character_starts(std::string_view text, size_t begin) {
  std::vector<size_t> starts;
  const char* end = text.data() + text.size();
  while (begin < text.size()) {
    starts.push_back(begin);
    begin += decode_utf8(text.data() + begin, end).num_bytes;
  }
  return starts;
}

/// The first of `starts` from which the text fits; the end of `starts` if none does. A whole
/// utterance more is always more tokens; a character more can be fewer, so there it is one that
/// fits, perhaps not the very first.
template <typename Fits>
std::vector<size_t>::const_iterator first_fitting(const std::vector<size_t>& starts,
                                                  const Fits& fits) {
  return std::partition_point(starts.begin(), starts.end(),
                              [&](size_t start) { return !fits(start); });
}

}  // namespace

SummaryPrompt::SummaryPrompt(PromptConfig config, const BpeTokenizer& tokenizer)
    : config_(std::move(config)), tokenizer_(tokenizer) {}

std::vector<int32_t> SummaryPrompt::prompt_ids(std::string_view dialogue) const {
  return tokenizer_.encode(
      fmt::format("{}{}{}", config_.dialogue_start, dialogue, config_.summary_start));
}

std::optional<EncodedExample> SummaryPrompt::encode_prompt(std::string_view dialogue,
                                                           int64_t max_tokens) const {
  const auto from = [&](size_t start) {
    EncodedExample example{prompt_ids(dialogue.substr(start)), 0, start > 0};
    example.prompt_tokens = static_cast<int32_t>(example.tokens.size());
    return example;
  };
  const auto has_room = [&](const EncodedExample& example) {
    return example.prompt_tokens <= max_tokens;
  };
  const auto fits = [&](size_t start) { return has_room(from(start)); };

  EncodedExample whole = from(0);
  if (has_room(whole)) return whole;
  if (!fits(dialogue.size())) return std::nullopt;
  const std::vector<size_t> utterances = utterance_starts(dialogue);
  if (const auto first = first_fitting(utterances, fits); first != utterances.end())
    return from(*first);
  const std::vector<size_t> characters =
      character_starts(dialogue, utterances.empty() ? 0 : utterances.back());
  const auto first = first_fitting(characters, fits);
  return from(first != characters.end() ? *first : dialogue.size());
}

std::optional<EncodedExample> SummaryPrompt::encode(std::string_view dialogue,
                                                    std::string_view summary,
                                                    int64_t block_size) const {
  std::vector<int32_t> target = tokenizer_.encode(summary);
  target.push_back(tokenizer_.end_of_text());
  std::optional<EncodedExample> example =
      encode_prompt(dialogue, block_size + 1 - static_cast<int64_t>(target.size()));
  if (example) example->tokens.insert(example->tokens.end(), target.begin(), target.end());
  return example;
}

}  // namespace precis
