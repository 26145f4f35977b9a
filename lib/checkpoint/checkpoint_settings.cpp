#include "lib/checkpoint/checkpoint_settings.h"

namespace precis {

Fields CheckpointSettings::fields() {
  return {
      {"interval", &interval, "iterations between two saves of last.pt", {.min = 1}},
      {"keep_last", &keep_last, "how many iter-NNNNNN.pt to keep besides", {.min = 0}},
  };
}

}  // namespace precis
