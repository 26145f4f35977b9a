// Fuzz target: any bytes as a safetensors file, and as JSON. Read, with every tensor inside the
// bytes, or refused with a DataError.
#include "lib/base/errors.h"
#include "lib/formats/bytes.h"
#include "lib/formats/json_value.h"
#include "lib/formats/safetensors.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

std::string file_of(const std::string& header, size_t size) {
  std::string bytes;
  append_number<uint64_t>(bytes, header.size());
  return bytes + header + std::string(size, 'x');
}

void check(const SafetensorsFile& file, std::span<const std::byte> bytes) {
  size_t total = 0;
  for (const auto& [name, array] : file.tensors()) {
    const auto count = count_elements(array.shape);
    fuzz_require(
        count && static_cast<size_t>(*count) * element_size(array.type) == array.bytes.size(),
        "a tensor of another size than its shape says");
    fuzz_require(file.find(name) == &array, "a tensor that its name does not find");
    fuzz_require(array.bytes.empty() ||
                     (array.bytes.data() >= bytes.data() &&
                      array.bytes.data() + array.bytes.size() <= bytes.data() + bytes.size()),
                 "a tensor outside the file");
    total += array.bytes.size();
  }
  fuzz_require(total <= bytes.size(), "tensors that overlap");
}

}  // namespace

const std::vector<std::string>& fuzz_seeds() {
  static const std::vector<std::string> seeds = {
      file_of(
          R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
          R"("b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}})",
          26),
      file_of(R"({"n":{"data_offsets":[0,0],"shape":[0,4],"dtype":"U8"}})", 0), file_of("{}", 0),
      R"({"n_layer": 12, "activation_function": "gelu_new", "list": [1, 2.5e-3, null, true, {"a": "\u00e9"}]})"};
  return seeds;
}

}  // namespace precis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  try {
    precis::check(precis::SafetensorsFile(bytes, nullptr, "x.safetensors"), bytes);
  } catch (const precis::DataError&) {
  }
  try {
    precis::to_json(precis::parse_json(precis::as_text(bytes), "x.json"));
  } catch (const precis::DataError&) {
  }
  return 0;
}
