// From the plan of a step to the batches that a rank computes: once, for training, for validation
// and for benchmarks.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

#include "lib/data/dataset.h"
#include "lib/data/epoch_plan.h"
#include "lib/model/ragged_batch.h"

namespace precis {

/// This rank's micro-batches of a planned step, on the device; a GPU's have the sizes of their
/// shape_class. `seed`: of dropout; each sample's follows from it and from the sample's ordinal.
std::vector<RaggedBatch> make_micro_batches(const StepPlan& plan, const DialogueDataset& data,
                                            int rank, uint64_t seed, at::Device device);

}  // namespace precis
