// What the programs with a model have in common.
#pragma once

#include <functional>

#include "lib/base/errors.h"
#include "lib/base/fields.h"
#include "lib/comm/world.h"
#include "lib/config/command_line.h"

namespace precis {

/// Prints --help or --version where it is asked for; then true.
bool print_help_or_version(const ProgramDescription& program, const Sections& sections, int argc,
                           char** argv);

/// Runs work with a World, `program` being named in messages, and returns the exit code. An error
/// that all ranks know of is reported by the root and ends in MPI_Finalize; one that others cannot
/// know of ends them all.
int with_world(const char* program, const std::function<ExitCode(World&)>& work);

}  // namespace precis
