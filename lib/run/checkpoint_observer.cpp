#include "lib/run/checkpoint_observer.h"

#include "lib/train/lr_schedule.h"

namespace precis {

Boundary CheckpointObserver::reached(int64_t steps, Boundary boundary) {
  const bool ends = boundary == Boundary::kFinished || boundary == Boundary::kEndedEarly;
  const bool due = boundary != Boundary::kGoingOn ||
                   (steps > 0 && steps % parts_.context.config.checkpoint.interval == 0);
  if (!due || (steps == saved_ && ends == parts_.state.progress.finished)) return boundary;
  parts_.state.progress.finished = ends;
  parts_.context.coordinator.save_last(parts_.state.checkpoint(steps),
                                       learning_rate(parts_.context.config.train, steps));
  saved_ = steps;
  return boundary;
}

}  // namespace precis
