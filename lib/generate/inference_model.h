// A model as decoding uses it: prompts in, then a token a row, with a cache.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "lib/generate/decoder.h"
#include "lib/generate/kv_cache.h"
#include "lib/generate/recorded_steps.h"
#include "lib/model/language_model.h"
#include "lib/model/weights.h"

namespace precis {

/// A model and its weights, made once for many texts. Uses the model; the weights are shared: where
/// they are those being trained, they are so in their present state. V: vocabulary.
class InferenceModel {
 public:
  InferenceModel(LanguageModel& model, Weights weights, WeightForm form = WeightForm::kDense)
      : model_(&model), weights_(std::move(weights)), form_(form) {}

  /// The same with the weights in the form in which decoding is fastest: a copy of their present
  /// state, which takes as much memory again (int8: a quarter of float32's).
  InferenceModel packed() const { return {*model_, with_packed(weights_, form_), form_}; }
  WeightForm form() const { return form_; }
  at::Device device() const { return model_->device(); }

  KvCache make_cache() const { return {model_->cache_shape(), model_->device(), weights_.type()}; }

  /// Logits [B, V] float32 after each prompt's last token; the cache begins anew with them.
  at::Tensor prefill(std::span<const std::vector<int32_t>> prompts, int64_t max_new_tokens,
                     KvCache& cache) const;
  /// Logits [B, V] float32 after one more token a row, on a CPU.
  at::Tensor step(std::span<const int32_t> tokens, KvCache& cache) const;

  const Weights& weights() const { return weights_; }
  /// Uses the model. `make`: as RecordedSteps has it.
  RecordedSteps recorded_steps(MakeDeviceGraph make) const {
    return {*model_, weights_, std::move(make)};
  }

 private:
  LanguageModel* model_;
  Weights weights_;
  WeightForm form_;
};

/// A Decoder over an InferenceModel with a cache of its own: on a CPU with packed weights, on a GPU
/// by recorded steps.
class CachedDecoder : public Decoder {
 public:
  explicit CachedDecoder(const InferenceModel& model);
  /// With recorded steps on any device, whose graphs come from `make`.
  CachedDecoder(const InferenceModel& model, MakeDeviceGraph make);

  at::Tensor start(std::span<const std::vector<int32_t>> prompts, int64_t max_new_tokens) override;
  void select(std::span<const int64_t> rows) override { cache_.select(rows); }
  at::Tensor step(std::span<const int32_t> tokens) override;
  bool can_run() const override { return steps_ && steps_->records(); }
  std::vector<int32_t> run(std::span<const int32_t> tokens, const TokenChoice& choice,
                           std::span<const double> uniforms, int64_t steps) override {
    return steps_->choose(tokens, cache_, choice, uniforms, steps);
  }

 private:
  void pack_for(size_t rows);

  InferenceModel model_;
  bool may_pack_ = true;  // there was memory for it, as far as is known
  KvCache cache_;
  std::optional<RecordedSteps> steps_;  // none: on a CPU
};

}  // namespace precis
