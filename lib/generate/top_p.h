// Nucleus sampling: Holtzman et al., "The Curious Case of Neural Text Degeneration" (ICLR 2020), as
// transformers' TopPLogitsWarper.
#pragma once

#include "lib/generate/generation_config.h"
#include "lib/generate/warper.h"

namespace precis {

/// Leaves the heaviest tokens that together have probability top_p.
class TopP : public Warper {
 public:
  explicit TopP(double top_p) : top_p_(top_p) {}
  /// Null where the config has no such rule.
  static std::unique_ptr<Warper> make(const GenerationConfig& config);
  void apply(DrawRow& row) const override;
  float least_weight(double total, size_t num_tokens) const override;

 private:
  double top_p_;
};

}  // namespace precis
