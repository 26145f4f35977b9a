// Whether the steps of a run are recorded.
#pragma once

#include <c10/core/Device.h>

#include "lib/base/log.h"
#include "lib/train/recorded_passes.h"

namespace precis {

/// CUDA graphs on a GPU whose operations take our kernels; elsewhere nothing is recorded. `log`
/// hears of a failure, and must outlive it.
Recording recording_on(at::Device device, Log& log);

}  // namespace precis
