// A run that goes on with another config than its checkpoint was made with: what may change, and
// what may not.
#pragma once

#include <string>
#include <vector>

#include "lib/checkpoint/model_file.h"
#include "lib/data/dataset.h"
#include "lib/run/run_config.h"

namespace precis {

/// What is other than it was, a line each, "key: old -> new".
struct ResumeChanges {
  std::vector<std::string> taken;    ///< training goes on with them
  std::vector<std::string> refused;  ///< it would be another training
  bool other_metric = false;         ///< eval.metric: what was the best is no longer known
};

/// Compares with what `checkpoint` says of its own run. Refused are another vocabulary, another
/// prompt, and other rows or other ends of them to train on or to validate with; a file that has
/// moved holds the same rows, so it is taken. What the checkpoint does not say (nanoGPT's, one of
/// an older version) is not compared. `config` is not changed. Throws DataError where the
/// vocabulary to compare with cannot be read.
ResumeChanges resume_changes(const RunConfig& config, const Split& split,
                             const ModelFile& checkpoint);

/// For the error: the refused lines, and what can be done.
std::string refusal(const std::vector<std::string>& refused, const ModelFile& checkpoint);

}  // namespace precis
