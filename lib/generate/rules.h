// Which rules change what token is chosen. A new one is a file of its own, its line in rules.cpp
// and its setting in GenerationConfig.
#pragma once

#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/generate/logits_processor.h"
#include "lib/generate/warper.h"

namespace precis {

/// The processors a config asks for, in transformers' order; none for a plain config.
LogitsProcessors make_processors(const GenerationConfig& config, const EndTokens& end_tokens);

/// The same for the warpers, which sampling alone uses.
Warpers make_warpers(const GenerationConfig& config);

}  // namespace precis
