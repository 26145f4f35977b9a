#include "lib/formats/torch_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "lib/formats/numpy_objects.h"
#include "lib/formats/pickle_globals.h"

namespace precis {

namespace {

using Kind = PickleNode::Kind;

bool in_one_piece(std::span<const int64_t> shape, std::span<const int64_t> strides) {
  int64_t expected = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 1) continue;
    if (strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

}  // namespace

TorchObjects::Id TorchObjects::global(std::string_view module, std::string_view name) {
  if (const std::optional<int64_t> which = find_global(module, name))
    return graph_.add_global(name, *which);
  if (module == "torch" && is_torch_type(name)) return graph_.add_text(name);
  graph_.fail(
      fmt::format("asks for {}.{}, which a checkpoint has no use for; refused, nothing of it was "
                  "run. If the file is yours, save it again without that object: tensors, numbers, "
                  "texts, lists and dicts are read",
                  module, name));
}

const PickleNode& TorchObjects::expect(Id id, Kind kind, const char* what) const {
  const PickleNode& node = graph_[id];
  if (node.kind != kind) graph_.fail(fmt::format("{} where {} should be", describe(node), what));
  return node;
}

TorchObjects::Id TorchObjects::call(Id callable, Id arguments) {
  const int64_t which = expect(callable, Kind::kGlobal, "a function").integer;
  const std::vector<Id>& given = expect(arguments, Kind::kTuple, "a tuple of arguments").items;
  if (which == kPath) return arguments;  // its parts
  for (const auto call :
       {&TorchObjects::call_python, &TorchObjects::call_torch, &TorchObjects::call_numpy}) {
    if (const std::optional<Id> made = (this->*call)(which, given)) return *made;
  }
  graph_.fail(
      fmt::format("calls {} with {} arguments; refused", graph_[callable].text, given.size()));
}

std::optional<TorchObjects::Id> TorchObjects::call_torch(int64_t which, std::span<const Id> given) {
  if (which == kRebuildTensor && given.size() >= 4) return tensor(given);
  if (which == kRebuildParameter && !given.empty()) {
    expect(given[0], Kind::kArray, "a parameter's tensor");
    return given[0];
  }
  if (which == kSize && given.size() == 1) {
    expect(given[0], Kind::kTuple, "a size");
    return given[0];
  }
  if (which == kDevice && !given.empty()) {
    expect(given[0], Kind::kText, "a device's name");
    return given[0];
  }
  return std::nullopt;
}

std::optional<TorchObjects::Id> TorchObjects::call_python(int64_t which,
                                                          std::span<const Id> given) {
  if (which == kOrderedDictType && given.empty()) return graph_.add(Kind::kOrderedDict);
  if (which == kDefaultDictType && given.size() <= 1) return graph_.add(Kind::kDict);
  if (which == kSetType && given.size() == 1) {
    expect(given[0], Kind::kList, "a set's members");
    return given[0];
  }
  if (which == kBytesType && given.empty()) return graph_.add_bytes({}, false);
  if (which == kEncode && given.size() == 2) {
    const std::string_view text = expect(given[0], Kind::kText, "bytes as a text").text;
    const std::string_view encoding = expect(given[1], Kind::kText, "an encoding").text;
    if (encoding == "latin1" || encoding == "latin-1") return graph_.add_bytes(text, true);
  }
  return std::nullopt;
}

std::optional<TorchObjects::Id> TorchObjects::call_numpy(int64_t which, std::span<const Id> given) {
  if (which == kNumpyTypeOf && !given.empty())
    return graph_.add_numpy_type(expect(given[0], Kind::kText, "the name of a numpy type").text);
  if (which == kNumpyNumber && given.size() == 2) {
    const std::string_view type = expect(given[0], Kind::kNumpyType, "a numpy number's type").text;
    expect(given[1], Kind::kBytes, "a numpy number's bytes");
    return add_numpy_number(graph_, type, graph_.bytes(given[1]));
  }
  // The state of a random generator, say: its content comes later, and is not needed.
  if (which == kNumpyReconstruct) return graph_.add(Kind::kNumpyArray);
  return std::nullopt;
}

void TorchObjects::build(Id object, Id state) {
  const PickleNode& node = graph_[object];
  switch (node.kind) {
    case Kind::kOrderedDict:  // a state dict's _metadata: versions of modules
    case Kind::kNumpyArray:
      return;
    case Kind::kNumpyType: {  // (version, byte order, ...)
      const std::vector<Id>& parts = expect(state, Kind::kTuple, "the state of a numpy type").items;
      if (parts.size() > 1 && graph_[parts[1]].text == ">")
        graph_.fail(fmt::format("a big-endian number of numpy's type {}; refused", node.text));
      return;
    }
    default:
      graph_.fail(fmt::format("sets attributes of {}; refused", describe(node)));
  }
}

TorchObjects::Id TorchObjects::storage(Id persistent_id) {
  const std::vector<Id>& parts =
      expect(persistent_id, Kind::kTuple, "a storage's description").items;
  if (parts.size() != 5 || graph_[parts[0]].text != "storage")
    graph_.fail("a storage's description of unknown form");
  const PickleNode& type_node = expect(parts[1], Kind::kGlobal, "a storage's type");
  if (type_node.integer < kStorageType)
    graph_.fail(fmt::format("{} is no storage's type", type_node.text));
  const auto type = static_cast<ElementType>(type_node.integer - kStorageType);
  const std::string_view key = expect(parts[2], Kind::kText, "a storage's key").text;
  const int64_t count = expect(parts[4], Kind::kInteger, "a storage's size").integer;
  const std::span<const std::byte> bytes = source_.load(key);
  const size_t size = element_size(type);
  if (count < 0 || bytes.size() % size != 0 ||
      bytes.size() / size != static_cast<uint64_t>(count)) {
    graph_.fail(fmt::format(
        "storage {} should hold {} elements of type {}, {} bytes each, but its entry has {} bytes",
        key, count, element_name(type), size, bytes.size()));
  }
  storages_.push_back({type, bytes, key});
  return graph_.add(Kind::kStorage, static_cast<int64_t>(storages_.size() - 1));
}

std::vector<int64_t> TorchObjects::integers(Id tuple, const char* what) const {
  constexpr size_t kMostDimensions = 64;
  std::vector<int64_t> numbers;
  const PickleNode& node = expect(tuple, Kind::kTuple, what);
  if (node.items.size() > kMostDimensions) {
    graph_.fail(fmt::format("a tensor with {} dimensions; at most {} are read", node.items.size(),
                            kMostDimensions));
  }
  for (const Id item : node.items) numbers.push_back(expect(item, Kind::kInteger, what).integer);
  return numbers;
}

TorchObjects::Id TorchObjects::tensor(std::span<const Id> arguments) {
  const auto index = expect(arguments[0], Kind::kStorage, "a tensor's storage").integer;
  const Storage& storage = storages_[static_cast<size_t>(index)];
  const int64_t offset = expect(arguments[1], Kind::kInteger, "a tensor's offset").integer;
  const std::vector<int64_t> shape = integers(arguments[2], "a tensor's shape");
  const std::vector<int64_t> strides = integers(arguments[3], "a tensor's strides");
  if (shape.size() != strides.size()) {
    graph_.fail(fmt::format("a tensor of shape {} with strides {}", shape_text(shape),
                            shape_text(strides)));
  }
  check_inside(storage, offset, shape, strides);
  const size_t size = element_size(storage.type);
  const auto count = static_cast<size_t>(count_elements(shape).value_or(0));
  if (count > 0 && !in_one_piece(shape, strides)) {
    return graph_.add_array(gather(storage, offset, shape, strides));
  }
  const size_t first = count == 0 ? 0 : static_cast<size_t>(offset) * size;
  return graph_.add_array(
      {storage.type, shape, storage.bytes.subspan(first, count * size), source_.owner});
}

void TorchObjects::check_inside(const Storage& storage, int64_t offset,
                                std::span<const int64_t> shape,
                                std::span<const int64_t> strides) const {
  const std::optional<int64_t> count = count_elements(shape);
  bool sane = count.has_value() && offset >= 0;
  int64_t last = offset;
  for (size_t i = 0; sane && i < shape.size(); ++i) {
    int64_t span = 0;
    sane = strides[i] >= 0 &&
           !(*count > 0 && (__builtin_mul_overflow(shape[i] - 1, strides[i], &span) ||
                            __builtin_add_overflow(last, span, &last)));
  }
  const size_t held = storage.bytes.size() / element_size(storage.type);
  if (sane && (*count == 0 || static_cast<uint64_t>(last) < held)) return;
  graph_.fail(fmt::format(
      "a tensor of shape {}, strides {} at offset {} does not fit in storage {} of {} elements",
      shape_text(shape), shape_text(strides), offset, storage.key, held));
}

ArrayView TorchObjects::gather(const Storage& storage, int64_t offset,
                               const std::vector<int64_t>& shape,
                               std::span<const int64_t> strides) {
  const size_t size = element_size(storage.type);
  const auto count = static_cast<size_t>(*count_elements(shape));
  const uint64_t needed = uint64_t{count} * size;
  if (needed > source_.max_copied - copied_) {
    graph_.fail(fmt::format(
        "a tensor of shape {}, strides {} would take more memory than the file has bytes; refused",
        shape_text(shape), shape_text(strides)));
  }
  copied_ += needed;
  auto copy = std::make_shared<std::vector<std::byte>>(needed);
  std::vector<int64_t> steps(strides.begin(), strides.end());
  for (size_t d = 0; d < steps.size(); ++d) {
    if (shape[d] == 1) steps[d] = 0;  // never taken, and may be anything
  }
  std::vector<int64_t> position(shape.size(), 0);
  int64_t at = offset;
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(copy->data() + i * size, storage.bytes.data() + static_cast<size_t>(at) * size,
                size);
    for (size_t d = shape.size(); d-- > 0;) {
      at += steps[d];
      if (++position[d] < shape[d]) break;
      at -= steps[d] * shape[d];
      position[d] = 0;
    }
  }
  const std::span<const std::byte> bytes(*copy);
  return {storage.type, shape, bytes, std::move(copy)};
}

}  // namespace precis
