// The stage that trains.
#pragma once

#include "lib/run/coordinator.h"
#include "lib/run/device_setup.h"
#include "lib/run/inputs.h"

namespace precis {

/// What stages work with.
struct RunContext {
  RunConfig& config;
  const DeviceSetup& setup;
  World& world;
  Coordinator& coordinator;
};

/// Collective. Trains from `start` to train.max_iters, evaluating and saving on the way. Returns
/// false when a signal stopped it; last.pt is then on its way (Coordinator::finish_saves). Throws
/// SharedError where the last checkpoint could not be saved.
bool train_stage(const RunContext& context, const Inputs& inputs, ModelFile start);

}  // namespace precis
