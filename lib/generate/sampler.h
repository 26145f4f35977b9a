// Drawing a token: temperature, top-k and top-p as transformers' warpers, then the inverse
// distribution function.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/generate/generation_config.h"
#include "lib/generate/row_kernels.h"

namespace precis {

/// The tokens that may be drawn come in the order of their ids, so that logits which differ by
/// rounding (another number of ranks, another batch) nearly always give the same token for the same
/// uniform number.
class Sampler {
 public:
  /// Buffers of one row, reused from draw to draw.
  struct Workspace {
    std::vector<Candidate> kept;
    std::vector<Candidate> sorted;
  };

  /// config.temperature > 0.
  explicit Sampler(const GenerationConfig& config);

  /// A token for a row of scores [V], which is overwritten; 0 if none of them is a number. uniform:
  /// in [0, 1).
  int32_t draw(std::span<float> scores, double uniform, Workspace& workspace) const;

  /// The same where workspace.kept already holds what top-k leaves: tokens in rising order with
  /// their scores.
  int32_t draw_among_kept(double uniform, Workspace& workspace) const;

  /// How many of the best scores of a row draw_among_kept needs from a device; 0: it needs the
  /// whole row.
  int64_t top_k() const { return top_k_; }

 private:
  /// Leaves the heaviest of workspace.kept that together have probability top_p; total: the weight
  /// of all tokens.
  void keep_nucleus(double total, Workspace& workspace) const;

  float scale_;  ///< 1 / temperature
  int64_t top_k_;
  double top_p_;
};

}  // namespace precis
