#include "lib/model/gpt2/gpt2_shape.h"

#include <fmt/format.h>

#include "lib/model/gpt2/gpt2_family.h"
#include "lib/model/gpt2/gpt2_model.h"

namespace precis {

const ModelFamily& Gpt2Shape::family() const {
  return gpt2_family();
}

std::vector<ModelSize> Gpt2Shape::sizes() const {
  return {{"n_layer", fmt::format("{}", n_layer)},
          {"n_head", fmt::format("{}", n_head)},
          {"n_embd", fmt::format("{}", n_embd)},
          {"bias", fmt::format("{}", bias)},
          {"activation", activation()}};
}

std::string Gpt2Shape::words() const {
  return fmt::format("{} layers, {} heads, width {}{}", n_layer, n_head, n_embd,
                     bias ? "" : ", without biases");
}

std::unique_ptr<LanguageModel> Gpt2Shape::make_model(const ParameterTable& table,
                                                     at::Device device) const {
  return std::make_unique<Gpt2Model>(*this, table, device);
}

}  // namespace precis
