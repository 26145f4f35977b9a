#include "lib/text/tokenizer_settings.h"

namespace precis {

Fields TokenizerSettings::fields() {
  return {
      {"dir", &dir,
       "folder with vocab.json and merges.txt, or tokenizer.json (default: what comes with "
       "model.init_from)"},
      {"train_vocab_size",
       &train_vocab_size,
       "without a folder: train a vocabulary of this size from the training rows; 0: do not",
       {.min = 0, .max = 1e6}},
  };
}

}  // namespace precis
