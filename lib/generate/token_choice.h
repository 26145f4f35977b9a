// Choosing tokens where the logits are, by ATen's operators, so that a device can go on without the
// host.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace precis {

/// The likeliest token, or one drawn among the likeliest.
struct TokenChoice {
  int64_t top_k = 0;      ///< how many may be drawn (and those that tie with the last); 0: greedy
  double scale = 1;       ///< 1 / temperature
  at::Tensor suppressed;  ///< [n] int64, tokens that are never chosen; undefined: none

  bool draws() const { return top_k > 0; }
  bool same_as(const TokenChoice& other) const {
    return top_k == other.top_k && scale == other.scale && suppressed.is_same(other.suppressed);
  }
};

/// logits [B, V] of the tokens `ids` [n] int64, where the logits are: below all others, in place.
void suppress_tokens(const at::Tensor& logits, const at::Tensor& ids);

/// A token [B] int64 for each row of logits [B, V] float32, which are overwritten. `uniforms` [B]
/// float64 in [0, 1): what the rows are drawn by, in the order of ids as Sampler does; not looked
/// at where nothing is drawn.
at::Tensor choose_tokens(const at::Tensor& logits, const TokenChoice& choice,
                         const at::Tensor& uniforms);

}  // namespace precis
