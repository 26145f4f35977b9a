// The shape of a GPT-2: what the weights imply.
#pragma once

#include <cstdint>

namespace precis {

/// Names as nanoGPT's model_args; the defaults are GPT-2's smallest size.
struct GptShape {
  int64_t n_layer = 12;
  int64_t n_head = 12;
  int64_t n_embd = 768;
  int64_t block_size = 1024;  ///< learned positions
  int64_t vocab_size = 50257;
  bool bias = true;        ///< in linear layers and norms
  double dropout = 0.0;    ///< of embedding, attention probabilities and residuals, in training
  bool gelu_tanh = false;  ///< OpenAI's tanh approximation ("gelu_new"); else exact, as nanoGPT
  double layer_norm_epsilon = 1e-5;

  int64_t head_size() const { return n_embd / n_head; }
  bool operator==(const GptShape&) const = default;
};

}  // namespace precis
