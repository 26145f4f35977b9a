// How many tokens a rank runs at a time where the config leaves it to the program.
#pragma once

#include <cstdint>

#include "lib/model/model_shape.h"
#include "lib/run/device_setup.h"

namespace precis {

/// Input tokens of a micro-batch for train.micro_batch_tokens: auto.
int64_t automatic_micro_batch_tokens(const DeviceSetup& setup, const ModelShape& shape);

}  // namespace precis
