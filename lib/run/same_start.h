// Ranks that would not compute the same thing: found before they compute anything.
#pragma once

#include "lib/checkpoint/model_file.h"
#include "lib/comm/world.h"
#include "lib/run/inputs.h"
#include "lib/run/run_config.h"

namespace precis {

/// Collective. Throws SharedError (exit code 2) naming rank and key where the configs of two ranks
/// differ. Paths may: nodes may keep their copies in different places.
void require_same_config(const World& world, RunConfig& config);

/// Collective. Throws SharedError (exit code 3) naming rank and kind where ranks read different
/// rows or vocabularies.
void require_same_inputs(const World& world, const Inputs& inputs);

/// Collective. The same for weights: other files, or a file that one rank found damaged and others
/// did not.
void require_same_start(const World& world, const ModelFile& model);

}  // namespace precis
