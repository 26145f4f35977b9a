// The shape of a GPT-2.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/model/model_shape.h"

namespace precis {

/// Names as nanoGPT's model_args; the defaults are GPT-2's smallest size.
class Gpt2Shape : public ModelShape {
 public:
  int64_t n_layer = 12;
  int64_t n_head = 12;
  int64_t n_embd = 768;
  bool bias = true;        ///< in linear layers and norms
  bool gelu_tanh = false;  ///< OpenAI's tanh approximation ("gelu_new"); else exact, as nanoGPT
  double layer_norm_epsilon = 1e-5;

  /// A shape of this family as what it is. Throws std::bad_cast for one of another.
  static const Gpt2Shape& of(const ModelShape& shape) {
    return dynamic_cast<const Gpt2Shape&>(shape);
  }

  std::unique_ptr<ModelShape> clone() const override { return std::make_unique<Gpt2Shape>(*this); }
  const ModelFamily& family() const override;
  std::vector<ModelSize> sizes() const override;
  std::string words() const override;
  int64_t num_layers() const override { return n_layer; }
  /// Flat order: final norm, last block to first (in each, matrices before vectors), positions, and
  /// the tied matrix, which is complete last.
  ParameterTable parameters() const override;
  ModelCost cost(int64_t element_size) const override;
  std::vector<OperationCount> operation_counts(const StepCounts& micro_batch,
                                               int64_t element_size) const override;
  std::unique_ptr<LanguageModel> make_model(const ParameterTable& table,
                                            at::Device device) const override;

  bool operator==(const Gpt2Shape&) const = default;
  std::string activation() const { return gelu_tanh ? "gelu_new" : "gelu"; }
};

/// nanoGPT's names of the tied matrix: as the embedding, which is the parameter, and as the head,
/// which files hold once more.
inline constexpr const char* kGpt2Embedding = "transformer.wte.weight";
inline constexpr const char* kGpt2Head = "lm_head.weight";

}  // namespace precis
