// Dialogues to summaries, on all ranks.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

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

  /// How far a long job is: rows done of rows in all, seconds since it began. Called on the root,
  /// with its own share scaled up.
  using Progress = std::function<void(int64_t done, int64_t total, double seconds)>;

  /// Collective. The summary of each example in their order, on the root (elsewhere: nothing). The
  /// examples are shared out over ranks; a summary depends on the weights, the row and the
  /// settings, not on who writes it. Dialogues that leave no room for max_new_tokens are cut at
  /// their start. Throws DataError when not even an empty dialogue leaves room.
  std::vector<std::string> summaries(std::span<const Example> examples,
                                     const GenerationConfig& config,
                                     const Progress& progress = {}) const;

 private:
  std::vector<std::vector<int32_t>> decode(const std::vector<Prompt>& prompts, int64_t num_examples,
                                           const GenerationConfig& config,
                                           const Progress& progress) const;

  Parts parts_;
};

/// The text of generated tokens: special tokens and ids without a token leave none, outer white
/// space is taken off, bytes that are no UTF-8 are replaced by U+FFFD, as transformers' decode has
/// it.
std::string summary_text(const BpeTokenizer& tokenizer, std::span<const int32_t> tokens);

}  // namespace precis
