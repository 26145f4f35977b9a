// What the programs with a model have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lib/base/errors.h"
#include "lib/comm/world.h"

namespace precis {

/// What --version says of LibTorch and CUDA, a line each.
std::vector<std::string> library_versions();

/// Runs work with a World, `program` being named in messages, and returns the exit code. An error
/// that all ranks know of is reported by the root and ends in MPI_Finalize; one that others cannot
/// know of ends them all. Ranks of unlike programs are refused before any work (exit code 2).
int with_world(const char* program, const std::function<ExitCode(World&)>& work,
               double timeout_seconds = kDefaultTimeout);

}  // namespace precis
