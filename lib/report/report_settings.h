// What a run tells: the `report` section of a config.
#pragma once

#include <cstdint>

#include "lib/base/fields.h"

namespace precis {

struct ReportSettings {
  int64_t log_interval = 10;
  bool tensorboard = true, html = true;
  Fields fields();
};

}  // namespace precis
