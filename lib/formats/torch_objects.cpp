#include "lib/formats/torch_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace precis {

namespace {

using Kind = PickleNode::Kind;

/// What a global that is let in stands for. From kStorageType on: the ElementType is added.
enum Global : int64_t {
  kOrderedDictType,
  kRebuildTensor,
  kRebuildParameter,
  kSize,
  kDevice,
  kStorageType
};

struct Known {
  std::string_view module;
  std::string_view name;
  int64_t which;
};

constexpr int64_t storage_of(ElementType type) {
  return kStorageType + static_cast<int64_t>(type);
}

constexpr Known kKnown[] = {
    {"collections", "OrderedDict", kOrderedDictType},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensor},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter},
    {"torch", "Size", kSize},
    {"torch", "device", kDevice},
    {"torch", "DoubleStorage", storage_of(ElementType::kFloat64)},
    {"torch", "FloatStorage", storage_of(ElementType::kFloat32)},
    {"torch", "HalfStorage", storage_of(ElementType::kFloat16)},
    {"torch", "BFloat16Storage", storage_of(ElementType::kBFloat16)},
    {"torch", "LongStorage", storage_of(ElementType::kInt64)},
    {"torch", "IntStorage", storage_of(ElementType::kInt32)},
    {"torch", "ShortStorage", storage_of(ElementType::kInt16)},
    {"torch", "CharStorage", storage_of(ElementType::kInt8)},
    {"torch", "ByteStorage", storage_of(ElementType::kUInt8)},
    {"torch", "BoolStorage", storage_of(ElementType::kBool)},
};

/// torch.float32 and the like: kept as their names.
constexpr std::string_view kTypeNames[] = {
    "float64", "double", "float32", "float", "float16", "half", "bfloat16", "int64",
    "long",    "int32",  "int",     "int16", "short",   "int8", "uint8",    "bool"};

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
  for (const Known& known : kKnown) {
    if (known.module == module && known.name == name)
      return graph_.add_global(known.name, known.which);
  }
  if (module == "torch") {
    for (const std::string_view type : kTypeNames) {
      if (type == name) return graph_.add_text(type);
    }
  }
  graph_.fail(
      fmt::format("asks for {}.{}, which a checkpoint has no use for; refused", module, name));
}

const PickleNode& TorchObjects::expect(Id id, Kind kind, const char* what) const {
  const PickleNode& node = graph_[id];
  if (node.kind != kind) graph_.fail(fmt::format("{} where {} should be", describe(node), what));
  return node;
}

TorchObjects::Id TorchObjects::call(Id callable, Id arguments) {
  const int64_t which = expect(callable, Kind::kGlobal, "a function").integer;
  const std::vector<Id>& given = expect(arguments, Kind::kTuple, "a tuple of arguments").items;
  if (which == kOrderedDictType && given.empty()) return graph_.add(Kind::kOrderedDict);
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
  graph_.fail(
      fmt::format("calls {} with {} arguments; refused", graph_[callable].text, given.size()));
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
