// What a rank takes of its machine's memory, and whether there is as much.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/comm/world.h"
#include "lib/model/model_shape.h"
#include "lib/run/device_setup.h"
#include "lib/run/run_config.h"

namespace precis {

/// Bytes that a rank on a CPU takes at most, by what takes them: an estimate, without the program
/// itself and its libraries. 0: no stage of the config needs that.
struct RankMemory {
  int64_t state = 0;        ///< of training: weights, gradients, moments
  int64_t activations = 0;  ///< of a micro-batch
  int64_t copy = 0;         ///< on the root: what checkpoints are written from
  int64_t weights = 0;      ///< of evaluation and prediction, in float32 and as products read them
  int64_t packed = 0;       ///< of decoding: the matrices once more (ops/packed_linear.h)
  int64_t cache = 0;        ///< of decoding: keys and values of the texts that are in work
  bool decodes_in_training = false;

  int64_t training() const {
    return state + activations + copy + (decodes_in_training ? packed + cache : 0);
  }
  int64_t decoding() const { return weights > 0 ? weights + packed + cache : 0; }
  int64_t most() const { return training() > decoding() ? training() : decoding(); }
};

/// What a rank plans to take. `is_root`: it writes the checkpoints.
RankMemory planned_memory(const RunConfig& config, const DeviceSetup& setup,
                          const ModelShape& shape, bool is_root);

/// Collective. What people should know where `mine` and what other ranks take does not fit into
/// what is left of a node's memory, or of what a limit leaves to a process; the same on all ranks.
std::vector<std::string> memory_warnings(const World& world, const RankMemory& mine);

}  // namespace precis
