// Which evaluation was the best, and whether there was no better one for too long.
#pragma once

#include <cstdint>

#include "lib/checkpoint/model_file.h"

namespace precis {

/// What is decided by.
struct EvaluationResult {
  int64_t steps = 0;  ///< optimizer steps done
  double val_loss = 0;
  double metric = 0;  ///< eval.metric; larger is better
};

/// Keeps an evaluation in `progress`. Returns whether its weights are the best so far, to be saved
/// as ckpt.pt; with a loss that is not finite they never are.
bool note_evaluation(Progress& progress, const EvaluationResult& result);

/// Whether training should end: `patience` evaluations in a row were not better. 0: never.
bool is_patience_over(const Progress& progress, int64_t patience);

}  // namespace precis
