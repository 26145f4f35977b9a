// How fast texts become ids.
#pragma once

#include <nlohmann/json.hpp>

#include "lib/programs/bench.h"

namespace precis {

/// MB/s of UTF-8 on 1 thread, on 2, and on all that the setup has: medians, and the best of
/// `repeats` rounds. All texts are in memory, all ids are kept. Throws DataError for files that
/// cannot be read or hold no text.
nlohmann::ordered_json bench_bpe(World& world, const DeviceSetup& setup,
                                 const BenchSettings& settings);

}  // namespace precis
