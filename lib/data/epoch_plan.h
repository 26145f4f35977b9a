// Which samples an optimizer step takes, and how they are cut into micro-batches and shared out:
// pure functions of seed, step and lengths, the same on every rank and for every number of ranks,
// so that no sampler state needs saving.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "lib/data/dataset.h"
#include "lib/model/cost.h"

namespace precis {

/// 0 .. n-1 in an order that depends on the key alone (Fisher-Yates).
std::vector<int64_t> shuffled(int64_t n, uint64_t key);

/// One sample of a step: which one, and where in the whole stream of samples it stands.
struct PlannedSample {
  int64_t sample = 0;
  int64_t ordinal =
      0;  ///< iteration * global batch + place in the batch: what its dropout depends on
};

/// The sample stream: one epoch after another, each shuffled anew. A step may cross the border of
/// an epoch, and may be larger than one.
class EpochPlan {
 public:
  EpochPlan(int64_t num_samples, int64_t global_batch_size, uint64_t seed);

  std::vector<PlannedSample> step(int64_t iteration) const;
  /// A 64-bit digest of the step's samples, for metrics.jsonl.
  static uint64_t digest(const std::vector<PlannedSample>& samples);

 private:
  int64_t num_samples_, global_batch_size_;
  uint64_t seed_;
  mutable std::mutex mutex_;
  mutable int64_t epoch_ = -1;  // of order_
  mutable std::vector<int64_t> order_;
};

/// A step cut into micro-batches of about `budget` input tokens, balanced; at least one a rank
/// where there are samples enough. The micro-batches are the same for any number of ranks that is
/// at most their number.
struct StepPlan {
  std::vector<std::vector<PlannedSample>> micro_batches;
  std::vector<int> rank_of;  ///< by micro-batch: who computes it, shared out by cost
  StepCounts counts;         ///< of the whole step, over all ranks
};
StepPlan plan_step(const std::vector<PlannedSample>& samples, const DialogueDataset& data,
                   int64_t budget, int world_size, double target_cost);

/// A micro-batch as large as plan_step makes any of `budget` input tokens out of `most` samples at
/// most: the longest samples, again from the first where there are too few; at least one.
std::vector<PlannedSample> largest_micro_batch(const DialogueDataset& data, int64_t budget,
                                               int64_t most);

/// Deals items of these costs to bins, the heaviest first, always to the lightest bin (Graham's
/// LPT); bin of each item.
std::vector<int> deal_out(const std::vector<double>& costs, int bins);

}  // namespace precis
