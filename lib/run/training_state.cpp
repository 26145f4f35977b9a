#include "lib/run/training_state.h"

#include <ATen/ATen.h>

#include <utility>

#include "lib/run/device_memory.h"

namespace precis {

TrainingState::TrainingState(ModelFile start, const TrainConfig& config, const DeviceSetup& setup,
                             Collectives& collectives)
    : progress(start.progress),
      shape(start.shape),
      parameters(start.table(), start.flat, setup.dtype, setup.device, collectives),
      model(shape->make_model(parameters.table(), setup.device)),
      optimizer(parameters, config),
      scaler(setup.dtype == at::kHalf),
      file_(std::move(start)) {
  if (file_.optimizer) {
    optimizer.exp_avg().copy_(file_.optimizer->exp_avg);
    optimizer.exp_avg_sq().copy_(file_.optimizer->exp_avg_sq);
    optimizer.set_steps(progress.optimizer_steps);
  }
  scaler.restore(progress.loss_scale, progress.good_steps, progress.skipped_steps);
  file_.flat.reset();
  file_.optimizer.reset();
}

ModelFile TrainingState::checkpoint(int64_t steps) {
  progress.iter = steps;
  progress.optimizer_steps = optimizer.steps();
  progress.loss_scale = scaler.scale();
  progress.good_steps = scaler.good_steps();
  progress.skipped_steps = scaler.skipped_steps();
  ModelFile file = file_;
  file.progress = progress;
  file.flat = parameters.master();
  file.optimizer = OptimizerMoments{optimizer.exp_avg(), optimizer.exp_avg_sq()};
  return file;
}

void TrainingState::renew_model() {
  const at::Device device = parameters.master().device();
  model.reset();
  empty_memory_cache(device);
  model = shape->make_model(parameters.table(), device);
}

}  // namespace precis
