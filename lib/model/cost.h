// What a GPT-2 costs, in operations and in bytes: the one place for MFU, for memory and for how
// work is shared out. Arithmetic on the shape alone.
#pragma once

#include <cstdint>

#include "lib/model/gpt2/gpt2_shape.h"

namespace precis {

/// Rows of logits that exist at a time in head and loss: 100 MB of them with GPT-2's vocabulary.
inline constexpr int64_t kHeadRows = 512;

/// What an optimizer step works on.
struct StepCounts {
  int64_t samples = 0;
  int64_t tokens = 0;         ///< inputs
  int64_t target_tokens = 0;  ///< those with a loss
};

/// Floating-point operations of the matrix products that a step really does, forward and backward:
/// six a weight and row that meets it; attention to half of each square, for samples of equal
/// length; behind the last block's attention target rows alone.
double training_operations(const GptShape& shape, const StepCounts& step);

/// What the head does to a target token, in units of what the blocks do to an input token.
double target_token_cost(const GptShape& shape);

/// Bytes of what a rank holds as long as it trains: weights, gradient and two moments in float32,
/// and the copy that products are made with where its elements are smaller.
int64_t state_bytes(int64_t num_parameters, int64_t element_size);

/// Bytes that a micro-batch of so many input tokens takes at most (were each of them a target):
/// what the blocks keep for backward, what backward adds in one of them, and a piece of logits with
/// its gradient. `element_size`: bytes of an activation in products.
int64_t activation_bytes(const GptShape& shape, int64_t tokens, int64_t element_size);

/// The most input tokens of which activation_bytes is within `bytes`; 0 if not even one fits.
int64_t tokens_within(const GptShape& shape, int64_t bytes, int64_t element_size);

}  // namespace precis
