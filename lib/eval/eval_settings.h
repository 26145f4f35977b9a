// How often a training is evaluated and on how many rows: the `eval` section of a config.
#pragma once

#include <cstdint>
#include <string>

#include "lib/base/fields.h"

namespace precis {

struct EvalSettings {
  int64_t interval = 250;
  int64_t max_loss_examples = 640, rouge_examples = 40, max_examples = 0, samples = 3;
  int64_t early_stopping_patience = 0;
  std::string metric = "val_loss";
  Fields fields();
};

}  // namespace precis
