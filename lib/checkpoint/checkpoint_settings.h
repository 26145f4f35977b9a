// When a run is saved: the `checkpoint` section of a config.
#pragma once

#include <cstdint>

#include "lib/base/fields.h"

namespace precis {

struct CheckpointSettings {
  int64_t interval = 250;
  int64_t keep_last = 0;
  Fields fields();
};

}  // namespace precis
