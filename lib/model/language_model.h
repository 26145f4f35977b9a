// What training, evaluation and decoding ask of a model, whichever its family.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>

#include "lib/model/ragged_batch.h"
#include "lib/model/weights.h"
#include "lib/ops/cached_rows.h"
#include "lib/ops/cross_entropy.h"

namespace precis {

/// How one micro-batch is run in training.
struct TrainPass {
  double dropout = 0;
  /// Of the gradient: 1 / targets in the whole step, times the loss scale.
  ops::GradientScale scale = 1;
  /// Called when the first `count` elements of the flat gradient are final for this micro-batch.
  std::function<void(int64_t count)> gradients_final;
};

/// What a model keeps of each token for those that come after it.
struct CacheShape {
  int64_t layers = 0;  ///< 0: nothing
  int64_t width = 0;   ///< numbers a token and layer, in the compute dtype
};

/// Where it keeps them while decoding. The tokens of prompts get the slots from first_slot on, in
/// their order; the new token of a row the last of its slots.
struct CachePass {
  std::span<const at::Tensor> layers;  ///< [slots, width] each
  int64_t first_slot = 0;
  CachedRows rows;  ///< of a step: each row's slots, the new one included; of prompts: empty
};

/// One new token for each row of a batch that is being decoded.
struct NextTokens {
  at::Tensor tokens;     ///< [B] int64
  at::Tensor positions;  ///< [B] int64: how many tokens the row has before
};

/// Runs a model; owns scratch memory and no weights. Not thread-safe. M: target rows of a batch, V:
/// vocabulary.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  /// Sum of nats over the batch's targets (a float64 scalar on the device); adds scale times its
  /// gradient to `gradients`. The stages of the parameter table are told as they end.
  virtual at::Tensor train(const RaggedBatch& batch, const Weights& weights,
                           const Gradients& gradients, const TrainPass& pass) = 0;
  /// The same sum without gradients or dropout.
  virtual at::Tensor loss(const RaggedBatch& batch, const Weights& weights) = 0;
  /// Logits [M, V] float32 at the target rows. `cache`: where what later tokens need of this batch
  /// goes; null: nothing is kept.
  virtual at::Tensor logits(const RaggedBatch& batch, const Weights& weights,
                            const CachePass* cache) = 0;
  /// Logits [B, V] float32 of one more token a row, with what the cache keeps of those before.
  virtual at::Tensor next_logits(const NextTokens& next, const Weights& weights,
                                 const CachePass& cache) = 0;
  virtual CacheShape cache_shape() const = 0;

  virtual at::Device device() const = 0;
  /// Scratch memory takes the size that it keeps until a pass needs more than any before. Returns
  /// how often it has moved: what was recorded while that was another number must not run any more.
  virtual int64_t settle_scratch() = 0;
  /// The most bytes of scratch memory that were in use at a time.
  virtual int64_t peak_scratch_bytes() const = 0;
};

}  // namespace precis
