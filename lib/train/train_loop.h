// Iterations, and who looks on.
#pragma once

#include <functional>
#include <future>
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

/// Looks on at training. Every rank has the same observers and calls them in the same order, so
/// that they may be collective.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  /// `steps` optimizer steps are done. Returns `boundary`, or kEndedEarly instead of kGoingOn to
  /// end here, on every rank alike.
  virtual Boundary reached(int64_t steps, Boundary boundary) = 0;
  /// Iteration `iter` (from 0) is done.
  virtual void stepped(int64_t iter, const StepResult& result) = 0;
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
    std::function<bool()> stop_requested;  ///< of this rank, by a signal
  };
  TrainLoop(const Parts& parts, const TrainConfig& config, const Settings& settings);

  /// Collective. From `start` steps done to max_iters; returns how it ended (not kGoingOn).
  Boundary run(int64_t start, const std::vector<TrainObserver*>& observers);

 private:
  struct Prepared {
    std::vector<RaggedBatch> micro_batches;  // of this rank
    int64_t total_tokens = 0, total_targets = 0, samples = 0;
    uint64_t plan = 0;
  };
  Prepared prepare(int64_t iteration) const;

  Parts parts_;
  const TrainConfig& config_;
  Settings settings_;
};

}  // namespace precis
