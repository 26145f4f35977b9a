// What decoding asks of a model.
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "lib/generate/token_choice.h"

namespace precis {

/// A batch of sequences being decoded, with whatever cache the model keeps for them. V is the
/// vocabulary's size.
class Decoder {
 public:
  virtual ~Decoder() = default;

  /// Begins anew with these prompts (of different lengths, none empty), leaving room for
  /// max_new_tokens each. Returns float32 logits [B, V] after each prompt's last token.
  virtual at::Tensor start(std::span<const std::vector<int32_t>> prompts,
                           int64_t max_new_tokens) = 0;

  /// Row i of the batch goes on from what was row rows[i]; rows may repeat (beams) or be left out
  /// (finished).
  virtual void select(std::span<const int64_t> rows) = 0;

  /// Appends one token to each row; returns float32 logits [B, V], valid until the next call. The
  /// caller may overwrite them, and those of start.
  virtual at::Tensor step(std::span<const int32_t> tokens) = 0;

  /// Whether run() is there: the logits' device can go on by itself.
  virtual bool can_run() const { return false; }
  /// Appends a token to each row, and then `steps - 1` times the one that is chosen; returns what
  /// was chosen, [steps, B], the last of which are appended to no row yet. `uniforms` [steps, B]:
  /// what rows are drawn by.
  virtual std::vector<int32_t> run(std::span<const int32_t> tokens, const TokenChoice& choice,
                                   std::span<const double> uniforms, int64_t steps) {
    static_cast<void>(tokens), static_cast<void>(choice), static_cast<void>(uniforms);
    throw std::logic_error(fmt::format("no decoder that runs {} steps by itself", steps));
  }
};

}  // namespace precis
