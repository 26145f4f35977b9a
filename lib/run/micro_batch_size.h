// How many tokens a rank runs at a time where the config leaves it to the program, and where there
// is less memory than was planned with.
#pragma once

#include <cstdint>
#include <string>

#include "lib/checkpoint/progress.h"
#include "lib/model/cost.h"
#include "lib/model/model_shape.h"
#include "lib/run/device_setup.h"
#include "lib/train/out_of_memory.h"

namespace precis {

/// Input tokens of a micro-batch on a GPU of which `free_bytes` are left to `sharing` ranks, each
/// of which will hold `held_bytes` (state_bytes) besides.
int64_t micro_batch_tokens_on_gpu(int64_t free_bytes, int sharing, int64_t held_bytes,
                                  const ModelCost& cost);

/// Input tokens of a micro-batch for train.micro_batch_tokens: auto, of this rank's device as it is
/// now. Ranks that share a GPU must all have asked before one of them takes memory.
int64_t automatic_micro_batch_tokens(const DeviceSetup& setup, const ModelShape& shape);

/// What the config says, or leaves to the program.
int64_t planned_micro_batch_tokens(const RunConfig& config, const DeviceSetup& setup,
                                   const ModelShape& shape);

/// What a micro-batch size is planned for, in words: "Tesla T4 with 15.8 GB", "CPU".
std::string device_kind(const DeviceSetup& setup);

/// What a resume goes on with: the size in the checkpoint, where that is of this kind of device,
/// and on a GPU no more than `automatic`. Checkpoints that do not name their device count on a CPU
/// only.
int64_t resumed_micro_batch_tokens(const Progress& read, const std::string& kind,
                                   int64_t automatic);

/// A smaller size after there was no memory for `tokens`; nothing where a sample that was alone in
/// its micro-batch did not fit.
std::optional<int64_t> smaller_micro_batch_tokens(int64_t tokens, const MemoryNeed& need);

}  // namespace precis
