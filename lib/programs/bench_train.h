// The benchmarks of an optimizer step, on made-up samples.
#pragma once

#include "lib/programs/bench.h"

namespace precis {

nlohmann::ordered_json bench_train(World& world, const DeviceSetup& setup,
                                   const BenchSettings& settings);

/// What bench_train says, with what this rank's part of a step asks of a GPU, by kinds of
/// operation, and on a CPU with what StepProfile says; with settings.count nothing is run, and no
/// GPU is needed.
nlohmann::ordered_json bench_step(World& world, const DeviceSetup& setup,
                                  const BenchSettings& settings);

}  // namespace precis
