// The JSON header of a safetensors file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace precis {

struct SafetensorsHeader {
  /// As the header says it; `begin` and `end` count from the end of the header.
  struct Tensor {
    std::string name;
    std::string dtype;
    std::vector<int64_t> shape;
    std::vector<int64_t> offsets;
  };
  std::vector<Tensor> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// Reads the header's JSON, checking its form but not its numbers, except that none is negative.
/// Returns what is wrong, for an error message, or an empty text.
std::string parse_safetensors_header(std::string_view json, SafetensorsHeader& header);

}  // namespace precis
