// Nguyen et al., "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs" (ICLR
// 2025), as transformers' MinPLogitsWarper.
#pragma once

#include "lib/generate/generation_config.h"
#include "lib/generate/warper.h"

namespace precis {

/// Leaves the tokens whose probability is at least min_p times the largest one.
class MinP : public Warper {
 public:
  explicit MinP(double min_p) : min_p_(static_cast<float>(min_p)) {}
  /// Null where the config has no such rule.
  static std::unique_ptr<Warper> make(const GenerationConfig& config);
  void apply(DrawRow& row) const override;
  float least_weight(double total, size_t num_tokens) const override;

 private:
  float min_p_;
};

}  // namespace precis
