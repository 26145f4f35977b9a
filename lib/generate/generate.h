// Decoding as transformers' generate does it in float32, token for token.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lib/generate/decoder.h"
#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/generate/strategy.h"

namespace precis {

struct GenerateOptions {
  EndTokens end_tokens = {};  ///< ids below the vocabulary's size; none: texts end by length
  /// Ids that are never chosen, as if the model had no row for them: those that the vocabulary has
  /// no token for. Below the model's vocab_size; tokens that end a text may be among them.
  std::vector<int32_t> suppressed_tokens = {};
  int64_t max_batch_rows = 32;  ///< sequences decoded at once, each beam being one
  int64_t max_batch_tokens =
      16384;  ///< positions of their caches: rows * (longest prompt + max_new_tokens)
  /// Called once for each prompt, by its index, when its new tokens are there.
  std::function<void(size_t prompt, const std::vector<int32_t>& tokens)> finished = {};
  /// Asked before each step; true: the prompts that are not finished are left.
  std::function<bool()> should_stop = {};
};

/// Which prompts are decoded together: indices, longest prompts first, so that a batch that is too
/// large for the memory fails at once. A batch has at least one prompt, whatever the limits.
std::vector<std::vector<size_t>> plan_batches(std::span<const Prompt> prompts,
                                              const GenerationConfig& config,
                                              const GenerateOptions& options);

/// New tokens of each prompt, in the order of the prompts, without the token that ended it; none of
/// those left by should_stop. Finished rows leave the batch; the texts do not depend on how prompts
/// are batched, and a batch for which a device has no memory is decoded in halves. No prompt may be
/// empty.
/// Throws ConfigError as config.validate().
std::vector<std::vector<int32_t>> generate(Decoder& decoder, std::span<const Prompt> prompts,
                                           const GenerationConfig& config,
                                           const GenerateOptions& options);

}  // namespace precis
