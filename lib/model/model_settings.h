// The `model` section of a config: which weights, or which sizes where they are made anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/fields.h"

namespace precis {

/// Sizes that are not set are those of init_from, or the family's own from scratch.
struct ModelSettings {
  Path init_from{"scratch"};
  std::string family = "gpt2";
  std::optional<int64_t> n_layer, n_head, n_embd;
  std::optional<bool> bias;
  double dropout = 0.0;
  std::string activation = "auto";

  bool from_scratch() const { return init_from.value == "scratch"; }
  Fields fields();
  /// Those of them that ask for a size the weights must have (ModelShape::sizes).
  Fields size_fields();
};

}  // namespace precis
