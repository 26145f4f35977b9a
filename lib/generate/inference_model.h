// A model as decoding uses it: prompts in, then a token a row, with a cache.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "lib/generate/decoder.h"
#include "lib/generate/kv_cache.h"
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

  KvCache make_cache() const { return {model_->cache_shape(), model_->device(), weights_.type()}; }

  /// Logits [B, V] float32 after each prompt's last token; the cache begins anew with them.
  at::Tensor prefill(std::span<const std::vector<int32_t>> prompts, int64_t max_new_tokens,
                     KvCache& cache) const;
  /// Logits [B, V] float32 after one more token a row.
  at::Tensor step(std::span<const int32_t> tokens, KvCache& cache) const;

  const Weights& weights() const { return weights_; }

 private:
  LanguageModel* model_;
  Weights weights_;
  WeightForm form_;
};

/// A Decoder over an InferenceModel in its packed form, with a cache of its own.
class CachedDecoder : public Decoder {
 public:
  explicit CachedDecoder(const InferenceModel& model)
      : model_(model.form() == WeightForm::kDense ? model : model.packed()),
        cache_(model_.make_cache()) {}

  at::Tensor start(std::span<const std::vector<int32_t>> prompts, int64_t max_new_tokens) override {
    return model_.prefill(prompts, max_new_tokens, cache_);
  }
  void select(std::span<const int64_t> rows) override { cache_.select(rows); }
  at::Tensor step(std::span<const int32_t> tokens) override {
    if (model_.weights().packed.empty()) model_ = model_.packed();  // prompts do without
    return model_.step(tokens, cache_);
  }

 private:
  InferenceModel model_;
  KvCache cache_;
};

}  // namespace precis
