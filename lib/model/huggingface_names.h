// What the names in Hugging Face's GPT-2 files mean.
#pragma once

#include <string_view>

namespace precis {

/// Without the "transformer." that files of GPT2LMHeadModel have and those of GPT2Model lack.
inline std::string_view without_prefix(std::string_view name) {
  constexpr std::string_view kPrefix = "transformer.";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

/// Whether a parameter is the matrix of a Conv1D, stored as (in, out).
inline bool is_conv1d(std::string_view name) {
  for (const std::string_view ending :
       {"attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

/// Whether a tensor is the causal mask that old files carry along (name without prefix).
inline bool is_mask_buffer(std::string_view name) {
  return name.starts_with("h.") &&
         (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"));
}

}  // namespace precis
