// The parameters of a GPT-2. Source: nanoGPT's model.py: their names and order (named_parameters),
// how they start (_init_weights), which of them decay (configure_optimizers).
#include <fmt/format.h>

#include <cmath>

#include "lib/model/gpt2/gpt2_shape.h"

namespace precis {
namespace {

constexpr double kStd = 0.02;

/// Declares parameters in flat order: stage by stage.
class Declaration {
 public:
  explicit Declaration(const Gpt2Shape& shape) : shape_(shape) {}

  void next_stage() { ++stage_; }
  void matrix(const std::string& name, std::vector<int64_t> shape, double std = kStd) {
    all_.push_back({name + ".weight", std::move(shape), Start::normal(std), stage_, true});
  }
  void bias_of(const std::string& name, int64_t size) {
    if (shape_.bias) all_.push_back({name + ".bias", {size}, Start::zeros(), stage_});
  }
  void norm(const std::string& name) {
    all_.push_back({name + ".weight", {shape_.n_embd}, Start::ones(), stage_});
    bias_of(name, shape_.n_embd);
  }
  std::vector<Parameter> take() { return std::move(all_); }

 private:
  const Gpt2Shape& shape_;
  int64_t stage_ = 0;
  std::vector<Parameter> all_;
};

std::vector<Parameter> declare(const Gpt2Shape& shape) {
  const int64_t c = shape.n_embd;
  const double residual_std = kStd / std::sqrt(2.0 * static_cast<double>(shape.n_layer));
  Declaration declared(shape);
  declared.norm("transformer.ln_f");
  for (int64_t l = shape.n_layer - 1; l >= 0; --l) {
    const std::string h = fmt::format("transformer.h.{}.", l);
    declared.next_stage();
    declared.matrix(h + "mlp.c_proj", {c, 4 * c}, residual_std);
    declared.matrix(h + "mlp.c_fc", {4 * c, c});
    declared.matrix(h + "attn.c_proj", {c, c}, residual_std);
    declared.matrix(h + "attn.c_attn", {3 * c, c});
    declared.bias_of(h + "mlp.c_proj", c);
    declared.bias_of(h + "mlp.c_fc", 4 * c);
    declared.norm(h + "ln_2");
    declared.bias_of(h + "attn.c_proj", c);
    declared.bias_of(h + "attn.c_attn", 3 * c);
    declared.norm(h + "ln_1");
  }
  declared.next_stage();
  declared.matrix("transformer.wpe", {shape.block_size, c});
  declared.matrix("transformer.wte", {shape.vocab_size, c});
  return declared.take();
}

std::vector<std::string> in_file_order(const Gpt2Shape& shape) {
  std::vector<std::string> names{kGpt2Embedding, "transformer.wpe.weight"};
  const auto both = [&](const std::string& name) {
    names.push_back(name + ".weight");
    if (shape.bias) names.push_back(name + ".bias");
  };
  for (int64_t l = 0; l < shape.n_layer; ++l)
    for (const char* part :
         {"ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"})
      both(fmt::format("transformer.h.{}.{}", l, part));
  both("transformer.ln_f");
  return names;
}

}  // namespace

ParameterTable Gpt2Shape::parameters() const {
  return {declare(*this), in_file_order(*this)};
}

}  // namespace precis
