// Fuzz target: any bytes as a .pt file, and as the pickle in one. Read, with every tensor of the
// size that its shape says, or refused with a DataError.
#include <unistd.h>

#include <array>
#include <filesystem>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/formats/pickle_reader.h"
#include "lib/formats/pickle_writer.h"
#include "lib/formats/pt_file.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

constexpr std::array<float, 6> kNumbers{0, 1, 2, 3, 4, 5};

/// The memory that arrays are views of, and who keeps it alive; an array with another owner is a
/// copy.
struct Memory {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

void check_array(const ArrayView& array, const Memory& memory) {
  const auto count = count_elements(array.shape);
  fuzz_require(
      count && static_cast<size_t>(*count) * element_size(array.type) == array.bytes.size(),
      "a tensor of another size than its shape says");
  unsigned sum = 0;
  for (const std::byte byte : array.bytes)
    sum += std::to_integer<unsigned>(byte);  // all of it can be read
  fuzz_require(sum <= 255 * array.bytes.size(), "an impossible sum");
  if (array.bytes.empty() || array.owner != memory.owner) return;
  fuzz_require(
      array.bytes.data() >= memory.bytes.data() &&
          array.bytes.data() + array.bytes.size() <= memory.bytes.data() + memory.bytes.size(),
      "a tensor outside the file");
}

void check_arrays(const Value& value, const Memory& memory) {
  if (const auto* array = value.get_if<ArrayView>()) {
    check_array(*array, memory);
  } else if (const auto* list = value.get_if<Value::List>()) {
    for (const Value& item : list->items) check_arrays(item, memory);
  } else if (const auto* tuple = value.get_if<Value::Tuple>()) {
    for (const Value& item : tuple->items) check_arrays(item, memory);
  } else if (const auto* dict = value.get_if<Value::Dict>()) {
    for (const DictItem& item : dict->items) check_arrays(item.value, memory);
  }
}

/// A checkpoint in small.
Value small_checkpoint() {
  const ArrayView matrix{
      ElementType::kFloat32, {2, 3}, std::as_bytes(std::span(kNumbers)), nullptr};
  Value model = Value::ordered_dict();
  model.set("wte.weight", matrix);
  model.set("lm_head.weight", matrix);
  Value root = Value::dict();
  root.set("model", model);
  root.set("betas", Value::Tuple{{0.9, 0.95}});
  root.set("state", Value::List{{Value(), true, 300, int64_t{1} << 40, "text", Value::dict()}});
  root.set(7, Value::Tuple{});
  return root;
}

std::string wide_tensor(const std::string& offset) {
  using namespace std::string_literals;
  return "\x80\x02"
         "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\n"
         "X\1\0\0\0"
         "0X\3\0\0\0cpuK\6tQJ"s +
         offset + "(J\2\0\0\0J\3\0\0\0t(J\3\0\0\0J\1\0\0\0t\x89NtR."s;
}

}  // namespace

const std::vector<std::string>& fuzz_seeds() {
  static const std::vector<std::string> seeds = [] {
    const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                       ("precis-fuzz-" + std::to_string(::getpid()) + ".pt");
    write_pt(path, small_checkpoint());
    const std::string file = read_file(path);
    std::filesystem::remove(path);
    using namespace std::string_literals;
    return std::vector<std::string>{
        file, write_pickle(small_checkpoint()).pickle,
        // as Python's own pickler writes with protocol 4: frames, memo, a global from the stack
        "\x80\x04\x95\x20\0\0\0\0\0\0\0}\x94(\x8c\1a\x94\x8c\x0b"s
        "collections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94h\1K\1K\2\x86\x94u."s,
        // a tensor by integers that have room for large ones, and one that begins before its
        // storage
        wide_tensor("\0\0\0\0"s), wide_tensor("\xff\xff\xff\xff"s), "\x80\x02(lq\0h\0a."s,
        // a scalar of numpy's
        "\x80\x02"
        "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\2\0\0\0f8\x89\x88tR(K\3X\1\0\0\0<NNNtb"
        "c_codecs\nencode\nX\x0a\0\0\0\0\0\0\0\0\0\xc3\xb4\xc2\xbfX\6\0\0\0latin1\x86RtR."s,
        "\x80\x02"
        "cposix\nsystem\nX\4\0\0\0true\x85R."s};
  }();
  return seeds;
}

}  // namespace precis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace precis;
  const Memory file{std::as_bytes(std::span(data, size)), std::make_shared<int>(0)};
  try {
    check_arrays(read_pt(file.bytes, file.owner, "x.pt"), file);
  } catch (const DataError&) {
  }
  // A changed pickle inside an archive fails its checksum, so pickles are read by themselves, too.
  const Memory numbers{std::as_bytes(std::span(kNumbers)), std::make_shared<int>(0)};
  StorageSource storages;
  storages.load = [&](std::string_view) { return numbers.bytes; };
  storages.owner = numbers.owner;
  storages.max_copied = size;
  try {
    check_arrays(read_pickle(file.bytes, storages, "x.pt: entry data.pkl"), numbers);
  } catch (const DataError&) {
  }
  return 0;
}
