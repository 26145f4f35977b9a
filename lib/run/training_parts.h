// What those who look on at training share.
#pragma once

#include "lib/run/inputs.h"
#include "lib/run/train_stage.h"
#include "lib/run/training_state.h"

namespace precis {

/// The parts of a training that observers share.
struct TrainingParts {
  const RunContext& context;
  const Inputs& inputs;
  TrainingState& state;
};

}  // namespace precis
