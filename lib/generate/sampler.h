// Drawing a token: temperature, top-k and the warpers in transformers' order, then the inverse
// distribution function.
#pragma once

#include <cstdint>
#include <span>

#include "lib/generate/generation_config.h"
#include "lib/generate/warper.h"

namespace precis {

/// The tokens that may be drawn come in the order of their ids, so that logits which differ by
/// rounding (another number of ranks, another batch) nearly always give the same token for the same
/// uniform number.
class Sampler {
 public:
  /// config.temperature > 0.
  explicit Sampler(const GenerationConfig& config);

  /// A token for a row of scores [V], which is overwritten; 0 if none of them is a number. uniform:
  /// in [0, 1). row: its memory is reused from draw to draw.
  int32_t draw(std::span<float> scores, double uniform, DrawRow& row) const;

  /// The same where row.kept already holds what top-k leaves: tokens in rising order with their
  /// scores.
  int32_t draw_among_kept(double uniform, DrawRow& row) const;

  /// How many of the best scores of a row draw_among_kept needs from a device; 0: it needs the
  /// whole row.
  int64_t top_k() const { return top_k_; }
  float scale() const { return scale_; }  ///< 1 / temperature
  /// Whether no other rule narrows down what may be drawn.
  bool draws_by_top_k_alone() const { return top_k_ > 0 && warpers_.empty(); }

 private:
  /// Applies the warpers to row.kept, whose total is set.
  void warp(DrawRow& row) const;

  float scale_;  ///< 1 / temperature
  int64_t top_k_;
  Warpers warpers_;
};

}  // namespace precis
