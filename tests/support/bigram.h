// A second family of models, for tests alone: the next token's logits are a row of a table, chosen
// by the token before, plus a bias. It shows what a family must bring along, and that nothing else
// of the house needs to know it.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <vector>

#include "lib/base/errors.h"
#include "lib/model/config_json.h"
#include "lib/model/families.h"
#include "lib/model/language_model.h"
#include "lib/model/model_shape.h"
#include "lib/ops/cross_entropy.h"

namespace precis::testing {

inline constexpr const char* kBigramTable = "table.weight";  // (V, V)
inline constexpr const char* kBigramBias = "bias.bias";      // (V)

/// Shapes: M target rows, V vocabulary.
class BigramModel : public LanguageModel {
 public:
  BigramModel(ParameterTable table, at::Device device)
      : table_(std::move(table)),
        device_(device),
        weight_(table_.index(kBigramTable)),
        bias_(table_.index(kBigramBias)) {}

  at::Tensor train(const RaggedBatch& batch, const Weights& weights, const Gradients& gradients,
                   const TrainPass& pass) override {
    const at::Tensor tokens = batch.tokens.index_select(0, batch.target_rows);
    const at::Tensor grad = rows(tokens, weights);
    const at::Tensor loss = ops::cross_entropy(grad, batch.targets, pass.scale);
    const at::Tensor wide = grad.to(at::kFloat);
    if (gradients[bias_].defined()) at::Tensor(gradients[bias_]).add_(wide.sum(0));
    if (pass.gradients_final) pass.gradients_final(table_.final_after(0));
    if (gradients[weight_].defined()) at::Tensor(gradients[weight_]).index_add_(0, tokens, wide);
    if (pass.gradients_final) pass.gradients_final(table_.final_after(1));
    return loss;
  }
  at::Tensor loss(const RaggedBatch& batch, const Weights& weights) override {
    const at::Tensor tokens = batch.tokens.index_select(0, batch.target_rows);
    return ops::cross_entropy(rows(tokens, weights), batch.targets, 0);
  }
  at::Tensor logits(const RaggedBatch& batch, const Weights& weights, const CachePass*) override {
    return rows(batch.tokens.index_select(0, batch.target_rows), weights).to(at::kFloat);
  }
  at::Tensor next_logits(const NextTokens& next, const Weights& weights,
                         const CachePass&) override {
    return rows(next.tokens, weights).to(at::kFloat);
  }
  CacheShape cache_shape() const override { return {}; }
  at::Device device() const override { return device_; }
  int64_t settle_scratch() override { return 0; }
  int64_t peak_scratch_bytes() const override { return 0; }

 private:
  at::Tensor rows(const at::Tensor& tokens, const Weights& weights) const {
    return weights.compute[weight_].index_select(0, tokens) + weights.compute[bias_];
  }

  ParameterTable table_;
  at::Device device_;
  size_t weight_, bias_;
};

const ModelFamily& bigram_family();

class BigramShape : public ModelShape {
 public:
  std::unique_ptr<ModelShape> clone() const override {
    return std::make_unique<BigramShape>(*this);
  }
  const ModelFamily& family() const override { return bigram_family(); }
  std::vector<ModelSize> sizes() const override { return {}; }
  std::string words() const override { return "a table"; }
  int64_t num_layers() const override { return 1; }
  ParameterTable parameters() const override {
    return {{{kBigramBias, {vocab_size}, Start::zeros(), /*stage=*/0},
             {kBigramTable, {vocab_size, vocab_size}, Start::normal(0.02), /*stage=*/1, true}},
            {kBigramTable, kBigramBias}};
  }
  ModelCost cost(int64_t element_size) const override {
    return {.weights_per_token = 1,
            .weights_per_target = static_cast<double>(vocab_size),
            .target_token = 1,
            .token_bytes = vocab_size * (element_size + 4)};
  }
  std::unique_ptr<LanguageModel> make_model(const ParameterTable& table,
                                            at::Device device) const override {
    return std::make_unique<BigramModel>(table, device);
  }
};

class BigramFamily : public ModelFamily {
 public:
  std::string name() const override { return "bigram"; }
  std::string title() const override { return "bigram table"; }
  std::string_view class_prefix() const override { return "Bigram"; }

  AnyShape from_settings(const ModelSettings& settings, int64_t block_size,
                         int64_t vocab_size) const override {
    if (settings.n_layer)
      throw ConfigError("model.n_layer is set, and a bigram table has no layers");
    BigramShape shape;
    shape.block_size = block_size;
    shape.vocab_size = vocab_size;
    return shape.clone();
  }
  AnyShape from_checkpoint(const Value& model_args, const Value*,
                           const std::string& file) const override {
    const ConfigJson args(model_args, file);
    return from_settings({}, args.count("block_size", 0, 1 << 20),
                         args.count("vocab_size", 0, 1 << 20));
  }
  CheckpointShape to_checkpoint(const ModelShape& shape) const override {
    CheckpointShape out;
    out.model_args.set("block_size", shape.block_size);
    out.model_args.set("vocab_size", shape.vocab_size);
    return out;
  }
  AnyShape from_config_json(const Value& config, const std::string& file) const override {
    return from_checkpoint(config, nullptr, file);
  }
  Value to_config_json(const ModelShape& shape, int64_t end_id) const override {
    Value config = to_checkpoint(shape).model_args;
    config.set("model_type", name());
    config.set("eos_token_id", end_id);
    return config;
  }
  ParameterTable exported_parameters(const ModelShape& shape) const override {
    return shape.parameters();
  }
  bool is_of_body(std::string_view plain_name) const override {
    return plain_name.starts_with("table.") || plain_name.starts_with("bias.");
  }
};

inline const ModelFamily& bigram_family() {
  static const BigramFamily family;
  return family;
}

}  // namespace precis::testing
