#include "lib/run/checkpoint_observer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "lib/ops/sums.h"
#include "lib/train/lr_schedule.h"

namespace precis {

/// Weights that are no numbers must not take the place of those that are.
bool CheckpointObserver::is_fit_to_go_on(int64_t steps) const {
  Coordinator& coordinator = parts_.context.coordinator;
  if (!coordinator.is_root() ||
      std::isfinite(ops::norm_tensor(parts_.state.parameters.master()).item<double>()))
    return true;
  coordinator.log().warn(
      fmt::format("after {} iterations the weights are not finite: they are not saved, the last "
                  "checkpoint stays",
                  steps));
  return false;
}

Boundary CheckpointObserver::reached(int64_t steps, Boundary boundary) {
  const bool ends = boundary == Boundary::kFinished || boundary == Boundary::kEndedEarly;
  const bool due = boundary != Boundary::kGoingOn ||
                   (steps > 0 && steps % parts_.context.config.checkpoint.interval == 0);
  if (!due || (steps == saved_ && ends == parts_.state.progress.finished)) return boundary;
  if (!is_fit_to_go_on(steps)) return boundary;
  parts_.state.progress.finished = ends;
  parts_.context.coordinator.save_last(parts_.state.checkpoint(steps),
                                       learning_rate(parts_.context.config.train, steps));
  saved_ = steps;
  return boundary;
}

}  // namespace precis
