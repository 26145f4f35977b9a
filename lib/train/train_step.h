// One optimizer step over all ranks.
#pragma once

#include <cstdint>
#include <span>
#include <string>

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
  double loss = 0;        ///< nats per target token, of the whole global batch
  double grad_norm = 0;   ///< before clipping
  double loss_scale = 1;  ///< that the step was computed with
  LossScaler::Outcome outcome = LossScaler::Outcome::kTaken;
  int64_t skipped_steps = 0;     ///< in a row, this one among them
  std::string first_not_finite;  ///< with a loss scale of 1: the parameter whose gradient, in the
                                 ///< order of backward, is the first that is not finite
  bool stop = false;             ///< some rank was asked to stop

  bool skipped() const { return outcome != LossScaler::Outcome::kTaken; }
};

/// What is done about large gradients; 0: nothing.
struct GradientLimits {
  /// As a number alone it is the norm that gradients are clipped to.
  GradientLimits(double largest_norm = 0, double skipped_norm = 0)
      : clip(largest_norm), skip_above(skipped_norm) {}
  double clip;        ///< a larger norm is scaled down to this
  double skip_above;  ///< a step whose norm, before clipping, is larger is skipped
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
  TrainStep(const Parts& parts, GradientLimits limits, double bucket_megabytes,
            const ProductSettings& products = {}, Recording recording = {});

  /// Collective. Throws OutOfMemory on all ranks where one of them had no memory for a micro-batch;
  /// nothing is changed then, and the step may be run again. A step whose loss or gradient is not
  /// finite, or whose gradient is too large, is skipped: weights and moments stay as they are.
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
  LossScaler::Outcome judge(const StepResult& result, double scaled_norm) const;
  void update(const StepInput& input, StepResult& result, double scaled_norm);
  std::string first_not_finite() const;

  Parts parts_;
  RecordedPasses passes_;
  GradientLimits limits_;
  int64_t bucket_;
  ProductSettings products_;
  int64_t sent_ = 0;
};

}  // namespace precis
