// What is being trained.
#pragma once

#include <cstdint>
#include <memory>

#include "lib/checkpoint/model_file.h"
#include "lib/comm/collectives.h"
#include "lib/model/model_shape.h"
#include "lib/run/device_setup.h"
#include "lib/train/adamw.h"
#include "lib/train/flat_parameters.h"
#include "lib/train/train_step.h"

namespace precis {

/// Weights, moments, loss scale and how far the training is. It begins as the model that was read,
/// copies its tensors to where they are trained and lets them go. Others refer to its parts, so it
/// stays where it was made.
struct TrainingState {
  /// Collective. `collectives` must outlive this.
  TrainingState(ModelFile start, const TrainConfig& config, const DeviceSetup& setup,
                Collectives& collectives);
  TrainingState(const TrainingState&) = delete;
  TrainingState& operator=(const TrainingState&) = delete;

  /// A checkpoint's content after `steps` optimizer steps. Its tensors are those in use, which the
  /// next step changes.
  ModelFile checkpoint(int64_t steps);

  /// Makes the model anew, without the memory that the one before held. Nothing may refer to that
  /// one any more.
  void renew_model();

  Progress progress;
  AnyShape shape;
  FlatParameters parameters;
  std::unique_ptr<LanguageModel> model;
  AdamW optimizer;
  LossScaler scaler;

 private:
  ModelFile file_;  // what a checkpoint says besides tensors and progress
};

}  // namespace precis
