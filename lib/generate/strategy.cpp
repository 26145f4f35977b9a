#include "lib/generate/strategy.h"

#include "lib/generate/beam_strategy.h"
#include "lib/generate/token_strategy.h"

namespace precis {

std::unique_ptr<Strategy> make_strategy(std::span<const Prompt* const> batch,
                                        const GenerationConfig& config, const EndTokens& end_tokens,
                                        Finished finished) {
  if (config.num_beams > 1) {
    return std::make_unique<BeamStrategy>(batch, config, end_tokens, std::move(finished));
  }
  return std::make_unique<TokenStrategy>(batch, config, end_tokens, std::move(finished));
}

}  // namespace precis
