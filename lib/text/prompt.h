// What the model reads of a dialogue, and what it is to write: the prompt and the target of one
// sample.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fields.h"
#include "lib/text/bpe_tokenizer.h"

namespace precis {

/// The fixed texts around a dialogue: section `prompt` of the config.
struct PromptConfig {
  std::string dialogue_start = "Please summarize the following dialogue:\n\nDialogue:\n";
  std::string summary_start = "summary:";

  Fields fields() {
    return {{"dialogue_start", &dialogue_start, "text before the dialogue"},
            {"summary_start", &summary_start, "text between the dialogue and its summary"}};
  }
};

/// A sample as tokens: the prompt, then the summary and <|endoftext|> if there is one to learn.
struct EncodedExample {
  std::vector<int32_t> tokens;
  int32_t prompt_tokens = 0;  ///< tokens of the prompt; those after it are targets
  bool cut = false;           ///< the dialogue lost its beginning
  bool operator==(const EncodedExample&) const = default;
};

/// Encodes samples and cuts dialogues that are too long. The prompt (start, dialogue, marker) is
/// one text and the summary another, so that their border is a token border.
///
/// A cut takes away the beginning of the dialogue, up to the first utterance (line that is not
/// blank) from which the prompt fits; where even the last one alone does not fit, up to a character
/// within it. What is left is encoded anew.
class SummaryPrompt {
 public:
  /// The tokenizer is used, not owned: it must outlive this.
  SummaryPrompt(PromptConfig config, const BpeTokenizer& tokenizer);

  /// The prompt alone, in at most max_tokens tokens. Empty if not even an empty dialogue fits.
  std::optional<EncodedExample> encode_prompt(std::string_view dialogue, int64_t max_tokens) const;

  /// Prompt and target. The inputs, all tokens but the last, are at most block_size; marker and
  /// summary are never cut. Empty if not even an empty dialogue fits.
  std::optional<EncodedExample> encode(std::string_view dialogue, std::string_view summary,
                                       int64_t block_size) const;

 private:
  std::vector<int32_t> prompt_ids(std::string_view dialogue) const;

  PromptConfig config_;
  const BpeTokenizer& tokenizer_;
};

}  // namespace precis
