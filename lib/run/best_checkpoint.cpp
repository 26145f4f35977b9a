#include "lib/run/best_checkpoint.h"

#include <cmath>

namespace precis {

bool note_evaluation(Progress& progress, const EvaluationResult& result) {
  progress.evaluated_iter = result.steps;
  if (!std::isfinite(result.val_loss) || !(result.metric > progress.best_metric)) {
    ++progress.stale_evaluations;
    return false;
  }
  progress.stale_evaluations = 0;
  progress.best_metric = result.metric;
  progress.best_val_loss = result.val_loss;
  progress.best_iter = result.steps;
  return true;
}

bool is_patience_over(const Progress& progress, int64_t patience) {
  return patience > 0 && progress.stale_evaluations >= patience;
}

}  // namespace precis
