// What a run says of itself before it begins, and what --check prints.
#pragma once

#include <cstdint>

#include "lib/base/log.h"
#include "lib/comm/world.h"
#include "lib/data/dataset.h"
#include "lib/run/device_setup.h"
#include "lib/run/inputs.h"
#include "lib/run/run_config.h"
#include "lib/run/train_stage.h"

namespace precis {

/// Collective. The start banner: devices, ranks, batch, model, samples.
void print_banner(const RunContext& context, const Inputs& inputs, const DialogueDataset& data,
                  int64_t micro_batch_tokens);

/// The plan of a run that is not begun: ranks, devices, samples, steps, parameters, memory.
void print_plan(const World& world, const RunConfig& config, const DeviceSetup& setup,
                const Inputs& inputs, Log& log);

}  // namespace precis
