// Everything a run reads, before it does anything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "lib/base/log.h"
#include "lib/checkpoint/checkpoint_folder.h"
#include "lib/checkpoint/model_file.h"
#include "lib/data/dataset.h"
#include "lib/run/run_config.h"
#include "lib/text/bpe_tokenizer.h"

namespace precis {

/// What was read besides the weights. It stays as it is for the whole run.
struct Inputs {
  Split split;
  std::vector<Example> test;
  std::unique_ptr<BpeTokenizer> tokenizer;
  std::unique_ptr<SummaryPrompt> prompt;
  AnyShape shape;             ///< of the model
  int64_t iter = 0;           ///< optimizer steps done with the weights that were read
  bool resumed = false;       ///< training goes on from a checkpoint
  bool resumed_last = false;  ///< which is the run folder's last.pt
  std::vector<std::filesystem::path> damaged;  ///< checkpoints that another was read instead of
};

/// Everything that was read. The stage that trains, or that evaluates, takes the model over.
struct RunInputs {
  Inputs inputs;
  ModelFile model;
};

/// Reads data, vocabulary and weights as the config says, the same on every rank. Where training
/// goes on, from the newest checkpoint that is whole, with one warning that names damaged ones.
/// Throws ConfigError or DataError; writes nothing.
RunInputs read_inputs(const RunConfig& config, Log& log);

/// The weights that evaluate and predict use after training, with their file: where the best one is
/// damaged the last or the newest whole one, with a warning; `damaged` gets the paths.
ModelFile read_for_evaluation(const RunConfig& config, const CheckpointFolder& folder,
                              std::vector<std::filesystem::path>& damaged, Log& log);

}  // namespace precis
