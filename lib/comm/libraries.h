// The communication libraries in use, for --version.
#pragma once

#include <string>
#include <vector>

namespace precis {

/// A line a library: "Open MPI 4.1.4", and with CUDA "NCCL 2.28.9 (header 2.28.9)": the one that is
/// loaded, and the one whose declarations this build was compiled with. Needs no MPI that runs and
/// no GPU.
std::vector<std::string> communication_libraries();

}  // namespace precis
