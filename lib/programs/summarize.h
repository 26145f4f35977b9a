// What the program summarize does.
#pragma once

#include "lib/base/errors.h"
#include "lib/comm/world.h"
#include "lib/config/command_line.h"
#include "lib/generate/generation_config.h"

namespace precis {

/// Settings of summarize: those of decoding, the device, and where a vocabulary is if the model has
/// none.
struct SummarizeConfig {
  GenerationConfig generation;
  Path tokenizer_dir;
  std::string device = "auto";
  std::string id_column = "id", dialogue_column = "dialogue";
  Sections sections();
};

/// Collective. Reads the model, the dialogues (a .csv, else a text) and writes summaries: to
/// `output`, or to standard output.
ExitCode summarize(World& world, const CommandLine& line, SummarizeConfig& config);

}  // namespace precis
