// The benchmarks of parts: a product, decoding, a sum over ranks, the optimizer.
#pragma once

#include "lib/programs/bench.h"

namespace precis {

nlohmann::ordered_json bench_matmul(World& world, const DeviceSetup& setup,
                                    const BenchSettings& settings);
nlohmann::ordered_json bench_decode(World& world, const DeviceSetup& setup,
                                    const BenchSettings& settings);
nlohmann::ordered_json bench_allreduce(World& world, const DeviceSetup& setup,
                                       const BenchSettings& settings);
nlohmann::ordered_json bench_adamw(World& world, const DeviceSetup& setup,
                                   const BenchSettings& settings);

}  // namespace precis
