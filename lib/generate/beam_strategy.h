// Beam search over a batch of prompts: a prompt is one row at first, then a row for each of its
// beams.
#pragma once

#include "lib/generate/beam_search.h"
#include "lib/generate/host_logits.h"
#include "lib/generate/strategy.h"

namespace precis {

class BeamStrategy : public Strategy {
 public:
  BeamStrategy(std::span<const Prompt* const> batch, const GenerationConfig& config,
               const EndTokens& end_tokens, Finished finished);
  void choose(const at::Tensor& logits) override;

 private:
  struct Search {
    size_t place = 0;  ///< in the batch as started
    BeamSearch beams;
  };

  void find_candidates(const at::Tensor& logits);
  void advance();

  LogitsProcessors processors_;
  Finished finished_;
  HostLogits host_;
  std::vector<Search> searches_;                    ///< in the order of their rows
  std::vector<std::vector<Candidate>> candidates_;  ///< of each row
};

}  // namespace precis
