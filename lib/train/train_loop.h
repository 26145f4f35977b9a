// Iterations, and who looks on.
#pragma once

#include <functional>
#include <future>
#include <string>
#include <vector>

#include "lib/data/epoch_plan.h"
#include "lib/train/train_config.h"
#include "lib/train/train_step.h"

namespace precis {

/// What is at hand between two iterations.
enum class Boundary {
  kGoingOn,     ///< another iteration follows
  kFinished,    ///< max_iters are done
  kEndedEarly,  ///< an observer asked to end
  kStopped      ///< a signal asked to end
};

/// One iteration that is done: what it was given, and what came of it.
struct Iteration {
  int64_t number = 0;  ///< from 0
  StepResult result;
  StepCounts counts;  ///< of the whole global batch
  double learning_rate = 0;
  double seconds = 0;                   ///< wall time of this rank
  uint64_t plan = 0;                    ///< digest of its samples
  std::vector<std::string> sample_ids;  ///< of a step that was skipped
};

/// Why a step was skipped, with its samples and what it had to do with them: a sentence.
std::string describe_skipped(const Iteration& iteration);

/// Looks on at training. Every rank has the same observers and calls them in the same order, so
/// that they may be collective. The order is that of the list: what one leaves in a state they
/// share, and the Boundary it returns, the ones behind it see.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  /// `steps` optimizer steps are done. Returns `boundary`, or to end here, on every rank alike,
  /// kEndedEarly instead of kGoingOn, or kStopped where a signal came meanwhile.
  virtual Boundary reached(int64_t steps, Boundary boundary) {
    (void)steps;
    return boundary;
  }
  virtual void stepped(const Iteration& iteration) { (void)iteration; }
};

/// Feeds planned steps to a TrainStep, with the next step's batches made while this one computes.
class TrainLoop {
 public:
  struct Parts {
    TrainStep& step;
    const DialogueDataset& data;
    const EpochPlan& plan;
    const World& world;
    at::Device device;
  };
  struct Settings {
    int64_t micro_batch_tokens = 0;
    double dropout = 0;
    double target_cost = 0;  ///< of a target token, in input tokens
    uint64_t seed = 0;
    bool try_out = false;                  ///< a micro-batch of full size, before the first step
    std::function<bool()> stop_requested;  ///< of this rank, by a signal
  };
  TrainLoop(const Parts& parts, const TrainConfig& config, const Settings& settings);

  /// Collective. From `start` steps done to max_iters; returns how it ended (not kGoingOn). Throws
  /// what TrainStep throws; after OutOfMemory another loop may go on from steps(). Throws a
  /// SharedError where max_skipped_steps steps in a row were skipped.
  Boundary run(int64_t start, const std::vector<TrainObserver*>& observers);

  int64_t steps() const { return steps_; }  ///< done by now

 private:
  struct Prepared {
    std::vector<RaggedBatch> micro_batches;  // of this rank
    StepCounts counts;
    uint64_t plan = 0;
    bool out_of_memory = false;  // for the micro-batches
  };
  Prepared prepare(int64_t iteration) const;
  std::vector<std::string> ids_of(int64_t iteration) const;
  void try_out() const;

  Parts parts_;
  const TrainConfig& config_;
  Settings settings_;
  int64_t steps_ = 0;
};

}  // namespace precis
