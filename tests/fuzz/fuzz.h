// What the fuzz targets share. A target defines LLVMFuzzerTestOneInput and fuzz_seeds(). With
// Clang's libFuzzer it runs as long as asked; without, standalone.cpp gives it a main that mutates
// the seeds for a bounded time, so that it is a test like any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace precis {

/// Good and nearly good inputs to start from.
const std::vector<std::string>& fuzz_seeds();

/// Ends the program where a property does not hold; the driver has written down the input.
inline void fuzz_require(bool holds, const char* otherwise) {
  if (holds) return;
  std::fprintf(stderr, "found %s\n", otherwise);
  std::abort();
}

}  // namespace precis
