// Where the vocabulary comes from: the `tokenizer` section of a config.
#pragma once

#include <cstdint>

#include "lib/base/fields.h"

namespace precis {

struct TokenizerSettings {
  Path dir;
  int64_t train_vocab_size = 0;
  Fields fields();
};

}  // namespace precis
