// What a model costs, in operations and in bytes: the one place for MFU, for memory and for how
// work is shared out. Arithmetic alone: a family says what a token of it takes.
#pragma once

#include <cstdint>
#include <string>

namespace precis {

/// Rows of logits that exist at a time in head and loss: 100 MB of them with GPT-2's vocabulary.
inline constexpr int64_t kHeadRows = 512;

/// The same where the loss is computed in place: as many as fit into the memory that is otherwise
/// taken by logits, their logarithm and their gradient in float32.
constexpr int64_t head_rows(bool in_place, int64_t element_size) {
  constexpr int64_t kFloat = sizeof(float);
  return in_place ? kHeadRows * (element_size + 2 * kFloat) / element_size : kHeadRows;
}

/// How far apart rows of logits begin on a GPU: GPT-2's 50257 is odd, and products and loads are
/// fast where rows are aligned.
constexpr int64_t padded_vocabulary(int64_t vocab_size) {
  constexpr int64_t kAlign = 64;
  return (vocab_size + kAlign - 1) / kAlign * kAlign;
}

/// What an optimizer step works on.
struct StepCounts {
  int64_t samples = 0;
  int64_t tokens = 0;         ///< inputs
  int64_t target_tokens = 0;  ///< those with a loss
};

/// What a family says of its costs.
struct ModelCost {
  double weights_per_token = 0;   ///< that every input token meets in products
  double weights_per_target = 0;  ///< that a target token meets besides
  /// Multiply-adds of attention per token and token of its sample's length, the causal half
  /// counted.
  double attention = 0;
  double target_token = 0;  ///< what the head does to a target token, in units of what the blocks
                            ///< do to an input token
  int64_t token_bytes = 0;  ///< that a token takes in training, were it a target
  int64_t head_bytes = 0;   ///< of a piece of logits with its gradient
};

/// What a kind of operation does for one micro-batch on a GPU, forward and backward.
struct OperationCount {
  std::string operation;
  int64_t launches = 0;   ///< of kernels; a product is one
  double bytes = 0;       ///< read from memory and written to it, were nothing found in a cache
  double operations = 0;  ///< floating-point, of products
};

/// Floating-point operations of the matrix products that a step really does, forward and backward:
/// six a weight and row that meets it; attention to half of each square, for samples of equal
/// length.
double training_operations(const ModelCost& cost, const StepCounts& step);

/// Bytes of what a rank holds as long as it trains: weights in float32, gradient and two moments of
/// those trained, and the copy that products are made with where its elements are smaller.
int64_t state_bytes(int64_t num_parameters, int64_t num_trainable, int64_t element_size);

/// Bytes that a micro-batch of so many input tokens takes at most (were each of them a target).
int64_t activation_bytes(const ModelCost& cost, int64_t tokens);

/// The most input tokens of which activation_bytes is within `bytes`; 0 if not even one fits.
int64_t tokens_within(const ModelCost& cost, int64_t bytes);

}  // namespace precis
