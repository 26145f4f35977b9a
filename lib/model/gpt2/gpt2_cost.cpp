// What a GPT-2 costs. Behind the last block's attention target rows alone are computed.
#include "lib/model/gpt2/gpt2_shape.h"

namespace precis {
namespace {

constexpr int64_t kFloat = sizeof(float);

/// Weights of a block's matrices: attention's input and output, the two of the MLP.
constexpr int64_t block_weights(int64_t c) {
  return 3 * c * c + c * c + 4 * c * c + 4 * c * c;
}

/// Bytes a token takes, named as in gpt2_model.cpp; each may be a target.
int64_t token_bytes(const Gpt2Shape& shape, int64_t element) {
  const int64_t c = shape.n_embd;
  const int64_t streams = 2 * c * kFloat;                              // what both norms read
  const int64_t block = (1 + 3 + 1 + 1 + 1 + 4 + 4) * c * element;     // h1 qkv y mlp h2 fc gelu
  const int64_t statistics = (2 * 2 + shape.n_head) * kFloat;          // of norms, of attention
  const int64_t target_rows = 2 * c * kFloat + (1 + 1) * c * element;  // both streams; rows_y h
  const int64_t gradients = 2 * c * kFloat + (1 + 2) * c * element;    // residual; h, branch
  const int64_t block_gradients = (4 + 1 + 2 + 3 + 1) * c * element;   // fc h2 y qkv h1
  return shape.n_layer * (streams + block + statistics) + target_rows + gradients + block_gradients;
}

}  // namespace

ModelCost Gpt2Shape::cost(int64_t element_size) const {
  const int64_t c = n_embd, blocks = n_layer * block_weights(c), head = vocab_size * c;
  const int64_t behind_attention = block_weights(c) - 3 * c * c;
  return {.weights_per_token = static_cast<double>(blocks - behind_attention),
          .weights_per_target = static_cast<double>(behind_attention + head),
          .attention = static_cast<double>(n_layer * c),  // two products of half a square each
          .target_token = static_cast<double>(head) / static_cast<double>(blocks),
          .token_bytes = token_bytes(*this, element_size),
          // Logits and, in float32, their logarithm and their gradient.
          .head_bytes = kHeadRows * vocab_size * (element_size + 2 * kFloat)};
}

}  // namespace precis
