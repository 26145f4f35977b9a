// Any bytes as a .pt file, as its data.pkl, and as JSON: read or refused with a DataError, nothing
// else.
#include <memory>

#include "lib/base/errors.h"
#include "lib/formats/json_value.h"
#include "lib/formats/pickle_reader.h"
#include "lib/formats/pt_file.h"
#include "tests/fuzz/fuzz_main.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    precis::read_pt(bytes, nullptr, "x.pt");
  } catch (const precis::DataError&) {
  }
  // A changed pickle inside an archive fails its checksum, so pickles are also read by themselves:
  // from the first protocol mark on, every storage being the whole input.
  const std::string_view text = precis::as_text(bytes);
  const size_t start = text.find("\x80\x02");
  const auto pickle = bytes.subspan(start == std::string_view::npos ? 0 : start);
  precis::StorageSource storages;
  storages.load = [&](std::string_view key) {
    return bytes.first(std::min<size_t>(size, key == "0" ? 48 : 24));
  };
  storages.max_copied = size;
  try {
    precis::read_pickle(pickle, storages, "x.pt: entry data.pkl");
  } catch (const precis::DataError&) {
  }
  try {
    precis::parse_json(text, "x.json");
  } catch (const precis::DataError&) {
  }
  return 0;
}

PRECIS_FUZZ_MAIN(5000)
