// What the names in Hugging Face's GPT-2 files mean.
#pragma once

#include <string_view>

namespace precis {

/// Whether a parameter is the matrix of a Conv1D, stored as (in, out).
inline bool is_conv1d(std::string_view name) {
  for (const std::string_view ending :
       {"attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

}  // namespace precis
