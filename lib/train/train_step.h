// One optimizer step over all ranks.
#pragma once

#include <cstdint>
#include <span>

#include "lib/comm/collectives.h"
#include "lib/comm/world.h"
#include "lib/model/cost.h"
#include "lib/model/language_model.h"
#include "lib/model/ragged_batch.h"
#include "lib/train/adamw.h"
#include "lib/train/flat_parameters.h"
#include "lib/train/loss_scaler.h"

namespace precis {

/// What one optimizer step did, over all ranks.
struct StepResult {
  double loss = 0;       ///< nats per target token, of the whole global batch
  double grad_norm = 0;  ///< before clipping
  double loss_scale = 1;
  bool skipped = false;  ///< the gradient was not finite
  bool stop = false;     ///< some rank was asked to stop
};

/// What a step is given besides its micro-batches.
struct StepInput {
  StepCounts counts;  ///< of all micro-batches and ranks: every loss is divided by the targets
  double learning_rate = 0;
  double dropout = 0;
  bool stop_requested = false;  ///< of this rank; the result's `stop` says it for all
};

/// Forward and backward of this rank's micro-batches, sums over ranks that begin during the last
/// backward, clipping, AdamW.
class TrainStep {
 public:
  struct Parts {
    LanguageModel& model;
    FlatParameters& parameters;
    AdamW& optimizer;
    LossScaler& scaler;
    Collectives& collectives;
    const World& world;
  };
  TrainStep(const Parts& parts, double grad_clip, double bucket_megabytes);

  /// Collective. Throws an Error when loss or gradient are not finite where no loss scaling can
  /// help.
  StepResult run(std::span<const RaggedBatch> micro_batches, const StepInput& input);

 private:
  void send(int64_t final_count);
  void send_rest();

  Parts parts_;
  double grad_clip_;
  int64_t bucket_;
  int64_t sent_ = 0;
};

}  // namespace precis
