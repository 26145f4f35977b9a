// Any bytes as a safetensors file: read, with every tensor inside the bytes, or refused with a
// DataError.
#include <cstdlib>

#include "lib/base/errors.h"
#include "lib/formats/safetensors.h"
#include "tests/fuzz/fuzz_main.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const precis::SafetensorsFile file(bytes, nullptr, "x.safetensors");
    size_t total = 0;
    for (const auto& [name, array] : file.tensors()) {
      const auto count = precis::count_elements(array.shape);
      if (!count ||
          static_cast<size_t>(*count) * precis::element_size(array.type) != array.bytes.size())
        std::abort();
      if (!array.bytes.empty() && (array.bytes.data() < bytes.data() || array.bytes.size() > size))
        std::abort();
      total += array.bytes.size();
    }
    if (total > size) std::abort();
  } catch (const precis::DataError&) {
  }
  return 0;
}

PRECIS_FUZZ_MAIN(5000)
