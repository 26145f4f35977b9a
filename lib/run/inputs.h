// Everything a run reads, before it does anything.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "lib/base/log.h"
#include "lib/data/dataset.h"
#include "lib/run/model_file.h"
#include "lib/run/run_config.h"
#include "lib/text/bpe_tokenizer.h"

namespace precis {

/// Files of a run folder.
struct RunFolder {
  std::filesystem::path dir;
  std::filesystem::path best() const { return dir / "ckpt.pt"; }
  std::filesystem::path last() const { return dir / "last.pt"; }
  /// The checkpoint that evaluate and predict use, if there is one.
  std::optional<std::filesystem::path> to_evaluate() const;
};

/// What was read. `model` is what training starts from, or what is to be evaluated.
struct Inputs {
  Split split;
  std::vector<Example> test;
  std::unique_ptr<BpeTokenizer> tokenizer;
  std::unique_ptr<SummaryPrompt> prompt;
  ModelFile model;
  bool resumed = false;  ///< training goes on from a checkpoint
};

/// Reads data, vocabulary and weights as the config says, the same on every rank. Throws
/// ConfigError or DataError; writes nothing.
Inputs read_inputs(const RunConfig& config, Log& log);

/// The weights of a model, given its file: what evaluate and predict use after training.
ModelFile read_for_evaluation(const RunConfig& config, const RunFolder& folder);

}  // namespace precis
