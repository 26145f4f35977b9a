// What is done with the logits of a batch: which rows go on, and with which tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/generate/logits_processor.h"
#include "lib/generate/token_choice.h"

namespace precis {

/// A text to decode.
struct Prompt {
  std::vector<int32_t> tokens;
  /// What this sample's random numbers depend on, besides the seed: its row, wherever and with
  /// whomever it is decoded.
  uint64_t key = 0;
};

/// Where a finished text goes: its place in the batch as started, and its new tokens without the
/// end token.
using Finished = std::function<void(size_t, std::vector<int32_t>)>;

/// Decodes one batch. The rows of the batch are its own affair; it begins with one for each prompt.
class Strategy {
 public:
  virtual ~Strategy() = default;

  /// Takes the logits [B, V] of all rows (overwriting them) and settles rows() and tokens().
  virtual void choose(const at::Tensor& logits) = 0;

  /// Steps for which the choice of tokens can be left to the device that has the logits.
  struct Ahead {
    TokenChoice choice;
    int64_t steps = 0;
    std::vector<double> uniforms;  ///< [steps, rows] where the choice draws
  };
  /// The next of them, after which take() must follow; none: choose() must see the logits.
  virtual std::optional<Ahead> ahead() { return std::nullopt; }
  /// What was chosen, [steps, rows], instead of choose().
  virtual void take(std::span<const int32_t> chosen) { static_cast<void>(chosen); }

  /// The rows of the last logits that go on, in this order, some several times; none when all texts
  /// are finished.
  std::span<const int64_t> rows() const { return rows_; }
  /// The token each of them is given.
  std::span<const int32_t> tokens() const { return tokens_; }

 protected:
  std::vector<int64_t> rows_;
  std::vector<int32_t> tokens_;
};

/// The one that a config asks for: beam search, sampling or greedy.
std::unique_ptr<Strategy> make_strategy(std::span<const Prompt* const> batch,
                                        const GenerationConfig& config, const EndTokens& end_tokens,
                                        Finished finished);

}  // namespace precis
