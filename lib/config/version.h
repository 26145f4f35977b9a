// What this build is.
#pragma once

#include <span>
#include <string>

namespace precis {

/// For --version: "precis 0.1.0 (commit 5f57110, GCC 12.2.0, Release)", the libraries this module
/// knows, and the lines a program adds (LibTorch, MPI, CUDA architectures). The commit is that of
/// the checkout when it was configured; "unknown" without one.
std::string version_text(std::span<const std::string> more_lines = {});

/// "0.1.0"
std::string version_number();

/// "5f57110" or "unknown"
std::string commit_id();

}  // namespace precis
