// A whole run, from a config to its files.
#pragma once

#include "lib/base/errors.h"
#include "lib/comm/world.h"
#include "lib/run/run_config.h"

namespace precis {

/// Collective. Does the config's stages. Errors that all ranks know of are thrown as SharedError;
/// others end all ranks.
ExitCode run_trainer(World& world, RunConfig& config);

/// Collective. Prints what a run would do, and writes nothing: ranks, devices, samples, steps,
/// parameters, memory.
void check_trainer(World& world, RunConfig& config);

}  // namespace precis
