// How texts are decoded: the `generation` section of a config.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/fields.h"
#include "lib/base/idle_keys.h"

namespace precis {

/// Names and meaning are those of transformers' GenerationConfig, save that temperature 0 stands
/// for do_sample=False.
struct GenerationConfig {
  int64_t max_new_tokens = 100;
  int64_t min_new_tokens = 0;
  double temperature = 0;
  int64_t top_k = 0;
  double top_p = 1;
  double min_p = 0;
  int64_t num_beams = 1;
  double length_penalty = 1;
  std::string early_stopping = "false";  ///< "false", "true" or "never"
  int64_t no_repeat_ngram_size = 0;
  double repetition_penalty = 1;
  int64_t seed = 1337;
  std::string dtype = "float32";

  bool operator==(const GenerationConfig&) const = default;
  bool samples() const { return temperature > 0; }

  Fields fields();
  /// Throws ConfigError where settings contradict each other: beams that sample, a minimum above
  /// the maximum.
  void validate() const;
  /// What is set to another value than the default and does nothing beside the other settings.
  std::vector<IdleKey> idle_keys() const;
};

}  // namespace precis
