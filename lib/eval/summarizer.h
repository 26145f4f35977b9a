// Dialogues to summaries, on all ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/comm/work_rounds.h"
#include "lib/comm/world.h"
#include "lib/data/dataset.h"
#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/generate/inference_model.h"
#include "lib/generate/strategy.h"
#include "lib/model/model_shape.h"
#include "lib/text/bpe_tokenizer.h"
#include "lib/text/prompt.h"

namespace precis {

/// Summaries by row.
using RowTexts = std::map<size_t, std::string>;

/// What a long job of a Summarizer is told and tells; all of it may be left out.
struct SummaryWatch {
  std::function<bool()> stop_requested = {};  ///< of this rank, by a signal
  RowTexts done = {};                         ///< on the root: rows that are not written once more
  /// On the root: each row that was written, from any rank, in the order in which they come.
  std::function<void(size_t row, const std::string& text)> finished = {};
  /// On the root, now and then: rows written of those to write, seconds since it began.
  std::function<void(int64_t written, int64_t to_write, double seconds)> progress = {};
};

/// Writes summaries. Uses its parts, owns nothing; one object serves one model.
class Summarizer {
 public:
  struct Parts {
    const InferenceModel& model;
    const ModelShape& shape;
    const SummaryPrompt& prompt;
    const BpeTokenizer& tokenizer;
    const World& world;
    EndTokens end_tokens = {};  ///< none: the vocabulary's <|endoftext|>
  };
  explicit Summarizer(const Parts& parts) : parts_(parts) {}

  /// Collective. The summary of each example in their order, on the root (elsewhere: no texts);
  /// nothing where a rank was asked to stop before all were written. The examples are shared out
  /// over ranks; a summary depends on the weights, the row and the settings, not on who writes it.
  /// Dialogues that leave no room for max_new_tokens are cut at their start. Throws DataError when
  /// not even an empty dialogue leaves room.
  std::optional<std::vector<std::string>> summaries(std::span<const Example> examples,
                                                    const GenerationConfig& config,
                                                    const SummaryWatch& watch = {}) const;

 private:
  std::vector<Prompt> prompts_of_this_rank(std::span<const Example> examples,
                                           std::span<const size_t> rows, int64_t room) const;
  bool write(std::span<const Prompt> prompts, const GenerationConfig& config,
             WorkRounds& rounds) const;

  Parts parts_;
};

/// The text of generated tokens: special tokens and ids without a token leave none, outer white
/// space is taken off, bytes that are no UTF-8 are replaced by U+FFFD, as transformers' decode has
/// it.
std::string summary_text(const BpeTokenizer& tokenizer, std::span<const int32_t> tokens);

}  // namespace precis
