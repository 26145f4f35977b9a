// What must be the same on all ranks, and is not where nodes have different files.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lib/base/errors.h"
#include "lib/comm/world.h"

namespace precis {

/// What is compared, and its value or a digest of it.
using Compared = std::vector<std::pair<std::string, std::string>>;

/// How a difference is told.
struct Difference {
  ExitCode code = ExitCode::kData;
  std::string remedy;
};

/// Collective. Throws a SharedError that names the first rank that differs from the root, its
/// machine, what differs and both values, and the remedy.
void require_same(const World& world, const Compared& mine, const Difference& difference);

}  // namespace precis
