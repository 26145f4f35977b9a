// Decoding with a GPT-2 and a cache of keys and values.
#pragma once

#include <vector>

#include "lib/generate/decoder.h"
#include "lib/model/gpt2/gpt2_model.h"

namespace precis {

/// A Decoder over a Gpt. Keys and values of all tokens lie in slots, one array a block; a row of
/// the batch is a list of slots. So beams share what they have in common, and choosing rows copies
/// lists of numbers, never keys or values. Uses model and weights, owns the cache.
class GptDecoder : public Decoder {
 public:
  GptDecoder(Gpt& model, const GptWeights& weights) : model_(model), weights_(weights) {}

  at::Tensor start(std::span<const std::vector<int32_t>> prompts, int64_t max_new_tokens) override;
  void select(std::span<const int64_t> rows) override;
  at::Tensor step(std::span<const int32_t> tokens) override;

 private:
  /// Makes room for this many slots, keeping what is there.
  void reserve(int64_t slots);

  Gpt& model_;
  const GptWeights& weights_;
  int64_t max_new_tokens_ = 0, used_ = 0, capacity_ = 0;
  std::vector<at::Tensor> cache_;  // by block, [capacity, 2C]
  std::vector<std::vector<int32_t>>
      slots_;  // by row: where its tokens' keys and values lie, in order
};

}  // namespace precis
