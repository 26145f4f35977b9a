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
#include "lib/train/out_of_memory.h"
#include "lib/train/recorded_passes.h"

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
  bool out_of_memory = false;   ///< this rank could not even make its micro-batches
};

/// How forward and backward make their products on a GPU.
struct ProductSettings {
  bool tf32 = false;     ///< of float32, in TF32
  bool measure = false;  ///< by the fastest algorithm (ops/measuring.h), else by the first
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
  TrainStep(const Parts& parts, double grad_clip, double bucket_megabytes,
            const ProductSettings& products = {}, Recording recording = {});

  /// Collective. Throws OutOfMemory on all ranks where one of them had no memory for a micro-batch;
  /// nothing is changed then, and the step may be run again. Throws a SharedError when loss or
  /// gradient are not finite where no loss scaling can help.
  StepResult run(std::span<const RaggedBatch> micro_batches, const StepInput& input);

  /// Collective. Forward and backward of micro-batches whose gradient is thrown away: whether there
  /// is memory for them. Throws OutOfMemory as run() does. `out_of_memory`: as in StepInput.
  void try_out(std::span<const RaggedBatch> micro_batches, double dropout, bool out_of_memory);

 private:
  /// What this rank computed, as the host knows it.
  struct Computed {
    double loss = 0;         // summed over targets
    double scaled_norm = 0;  // of the gradient, summed over ranks
    bool out_of_memory = false;
    MemoryNeed need;
  };
  /// What the micro-batches of a step have in common.
  struct Settings {
    double dropout, scale;  // scale: of the gradient
    RecordedPasses::GradientsFinal gradients_final;
  };
  Computed compute(std::span<const RaggedBatch> micro_batches, const StepInput& input);
  at::Tensor accumulate(std::span<const RaggedBatch> micro_batches, const Settings& settings,
                        MemoryNeed& need);
  void send(int64_t final_count);
  void send_rest();
  void update(const StepInput& input, StepResult& result, double scaled_norm);

  Parts parts_;
  RecordedPasses passes_;
  double grad_clip_;
  int64_t bucket_;
  ProductSettings products_;
  int64_t sent_ = 0;
};

}  // namespace precis
