#include "lib/model/cost.h"

#include <algorithm>

namespace precis {
namespace {

constexpr int64_t kFloat = sizeof(float);

/// Weights of a block's matrices: attention's input and output, the two of the MLP.
constexpr int64_t block_weights(int64_t c) {
  return 3 * c * c + c * c + 4 * c * c + 4 * c * c;
}

/// Bytes a token takes, named as in gpt.cpp; each may be a target.
int64_t token_bytes(const GptShape& shape, int64_t element) {
  const int64_t c = shape.n_embd;
  const int64_t streams = 2 * c * kFloat;                              // what both norms read
  const int64_t block = (1 + 3 + 1 + 1 + 1 + 4 + 4) * c * element;     // h1 qkv y mlp h2 fc gelu
  const int64_t statistics = (2 * 2 + shape.n_head) * kFloat;          // of norms, of attention
  const int64_t target_rows = 2 * c * kFloat + (1 + 1) * c * element;  // both streams; rows_y h
  const int64_t gradients = 2 * c * kFloat + (1 + 2) * c * element;    // residual; h, branch
  const int64_t block_gradients = (4 + 1 + 2 + 3 + 1) * c * element;   // fc h2 y qkv h1
  return shape.n_layer * (streams + block + statistics) + target_rows + gradients + block_gradients;
}

/// Logits and, in float32, their logarithm and their gradient.
int64_t head_bytes(const GptShape& shape, int64_t element) {
  return kHeadRows * shape.vocab_size * (element + 2 * kFloat);
}

}  // namespace

double training_operations(const GptShape& shape, const StepCounts& step) {
  const auto n = static_cast<double>(step.tokens), m = static_cast<double>(step.target_tokens),
             c = static_cast<double>(shape.n_embd), layers = static_cast<double>(shape.n_layer),
             v = static_cast<double>(shape.vocab_size);
  const double length = n / static_cast<double>(std::max<int64_t>(1, step.samples));
  const auto block = static_cast<double>(block_weights(shape.n_embd));
  const double behind_attention = block - 3 * c * c;
  const double products = layers * block * n - behind_attention * (n - m) + m * c * v;
  const double attention = layers * n * length * c;  // two products of half a square each
  return 6 * (products + attention);
}

double target_token_cost(const GptShape& shape) {
  return static_cast<double>(shape.vocab_size * shape.n_embd) /
         static_cast<double>(shape.n_layer * block_weights(shape.n_embd));
}

int64_t state_bytes(int64_t num_parameters, int64_t element_size) {
  return num_parameters * (4 * kFloat + (element_size < kFloat ? element_size : 0));
}

int64_t activation_bytes(const GptShape& shape, int64_t tokens, int64_t element_size) {
  return tokens * token_bytes(shape, element_size) + head_bytes(shape, element_size);
}

int64_t tokens_within(const GptShape& shape, int64_t bytes, int64_t element_size) {
  return std::max<int64_t>(0, bytes - head_bytes(shape, element_size)) /
         token_bytes(shape, element_size);
}

}  // namespace precis
