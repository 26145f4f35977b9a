// Settings that do nothing beside others: to be said, not swallowed.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace precis {

/// A key that was set and has no effect.
struct IdleKey {
  std::string key;     ///< dotted
  std::string reason;  ///< "generation.temperature is 0: nothing is drawn"
};

/// For people, a line a reason: "train.min_lr and train.warmup_iters have no effect: REASON".
std::vector<std::string> idle_lines(std::span<const IdleKey> idle);

}  // namespace precis
