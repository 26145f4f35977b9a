// No memory for a micro-batch, of a device or of the machine, as all ranks know of it.
#pragma once

#include <cstdint>

#include "lib/comm/world.h"

namespace precis {

/// What one rank says of its micro-batches where some rank had no memory for its own.
struct MemoryNeed {
  int64_t largest = 0;  ///< input tokens of its largest micro-batch; 0: not known
  int64_t alone = 0;    ///< input tokens of a sample that did not fit though it was alone; 0: none
};

/// Some rank had no memory for its part of a step. Nothing was changed: the step may be done again
/// with smaller micro-batches. Every rank throws it, with the same numbers.
class OutOfMemory : public SharedError {
 public:
  explicit OutOfMemory(const MemoryNeed& need);
  const MemoryNeed& need() const { return need_; }  ///< the largest numbers of all ranks

 private:
  MemoryNeed need_;
};

/// Collective, for where ranks know that one of them ran out: throws OutOfMemory.
[[noreturn]] void throw_out_of_memory(const World& world, const MemoryNeed& mine);

}  // namespace precis
