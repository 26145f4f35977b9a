#include "lib/formats/pickle_graph.h"

#include <fmt/format.h>

#include <unordered_set>

#include "lib/base/errors.h"
#include "lib/formats/printable.h"

namespace precis {

namespace {

constexpr size_t kMaxNodes = size_t{1}
                             << 20;  // a checkpoint of the largest GPT-2 takes about 40,000
constexpr uint16_t kMaxDepth = 100;
constexpr uint64_t kNodeWeight = sizeof(Value);

}  // namespace

void PickleGraph::fail(std::string_view what) const {
  throw DataError(fmt::format("{}: {}", where_, printable(what)));
}

PickleGraph::Id PickleGraph::add_node(PickleNode node) {
  if (nodes_.size() >= kMaxNodes) {
    fail(fmt::format("holds more than {} objects, which no checkpoint does; refused", kMaxNodes));
  }
  node.weight += kNodeWeight + node.text.size();
  nodes_.push_back(std::move(node));
  return static_cast<Id>(nodes_.size() - 1);
}

PickleGraph::Id PickleGraph::add(Kind kind, int64_t integer) {
  PickleNode node;
  node.kind = kind;
  node.integer = integer;
  return add_node(std::move(node));
}

PickleGraph::Id PickleGraph::add_real(double real) {
  PickleNode node;
  node.kind = Kind::kFloat;
  node.real = real;
  return add_node(std::move(node));
}

PickleGraph::Id PickleGraph::add_text(std::string_view text) {
  PickleNode node;
  node.kind = Kind::kText;
  node.text = text;
  return add_node(std::move(node));
}

PickleGraph::Id PickleGraph::add_bytes(std::string_view content, bool as_text) {
  PickleNode node;
  node.kind = Kind::kBytes;
  node.text = content;
  node.integer = as_text ? 1 : 0;
  return add_node(std::move(node));
}

PickleGraph::Id PickleGraph::add_global(std::string_view name, int64_t which) {
  PickleNode node;
  node.kind = Kind::kGlobal;
  node.text = name;
  node.integer = which;
  return add_node(std::move(node));
}

PickleGraph::Id PickleGraph::add_numpy_type(std::string_view name) {
  PickleNode node;
  node.kind = Kind::kNumpyType;
  node.text = name;
  return add_node(std::move(node));
}

PickleGraph::Id PickleGraph::add_array(ArrayView array) {
  PickleNode node;
  node.kind = Kind::kArray;
  node.integer = static_cast<int64_t>(arrays_.size());
  node.weight = array.shape.size() * sizeof(int64_t);
  const Id id = add_node(std::move(node));
  arrays_.push_back(std::move(array));
  return id;
}

PickleGraph::Id PickleGraph::add_tuple(std::span<const Id> items) {
  const Id id = add(Kind::kTuple);
  for (const Id item : items) append(id, item);
  return id;
}

void PickleGraph::append(Id container, Id item) {
  nodes_[item].placed = true;
  PickleNode& to = nodes_[container];
  const PickleNode& from = nodes_[item];
  if (to.placed)
    fail(fmt::format("{} that refers to itself, which no checkpoint holds; refused", describe(to)));
  to.depth = std::max<uint16_t>(to.depth, static_cast<uint16_t>(from.depth + 1));
  if (to.depth > kMaxDepth) {
    fail(fmt::format("its objects are nested more than {} deep, which no checkpoint's are; refused",
                     kMaxDepth));
  }
  to.weight += from.weight;  // both are below the limit, so the sum does not overflow
  if (to.weight > max_weight_) {
    fail("refers to the same objects so often that it would fill the memory; refused");
  }
  to.items.push_back(item);
}

void PickleGraph::check_key(Id key) const {
  const PickleNode& node = nodes_[key];
  if (node.kind == Kind::kText || node.kind == Kind::kInteger) return;
  fail(fmt::format("{} as a dict's key; a checkpoint's keys are texts and integers",
                   describe(node)));
}

std::string PickleGraph::bytes(Id id) const {
  const PickleNode& node = nodes_[id];
  if (node.integer == 0) return std::string(node.text);
  std::string content;
  for (size_t i = 0; i < node.text.size(); ++i) {
    const auto first = static_cast<unsigned char>(node.text[i]);
    if (first < 0x80) {
      content += node.text[i];
      continue;
    }
    // Code points from 0x80 to 0xFF are two bytes of UTF-8: 0xC2 or 0xC3, and one more.
    const auto second =
        i + 1 < node.text.size() ? static_cast<unsigned char>(node.text[i + 1]) : 0U;
    if ((first != 0xC2 && first != 0xC3) || (second & 0xC0) != 0x80)
      fail("bytes written as a text that is none of bytes: it is damaged");
    content += static_cast<char>(((first & 0x03) << 6) | (second & 0x3F));
    ++i;
  }
  return content;
}

Value PickleGraph::to_dict(const PickleNode& node) const {
  Value::Dict dict;
  dict.ordered = node.kind == Kind::kOrderedDict;
  dict.items.reserve(node.items.size() / 2);
  std::unordered_set<std::string_view> texts;
  std::unordered_set<int64_t> integers;
  for (size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const PickleNode& key = nodes_[node.items[i]];
    const bool is_text = key.kind == Kind::kText;
    DictItem item{key.integer, to_value(node.items[i + 1])};
    if (is_text) item.key = std::string(key.text);
    if (!(is_text ? texts.insert(key.text).second : integers.insert(key.integer).second)) {
      fail(fmt::format("a dict with the key {} twice", key_text(item.key)));
    }
    dict.items.push_back(std::move(item));
  }
  return dict;
}

Value PickleGraph::to_value(Id id) const {
  const PickleNode& node = nodes_[id];
  const auto items = [&] {
    std::vector<Value> values;
    values.reserve(node.items.size());
    for (const Id item : node.items) values.push_back(to_value(item));
    return values;
  };
  switch (node.kind) {
    case Kind::kNone:
      return {};
    case Kind::kBool:
      return node.integer != 0;
    case Kind::kInteger:
      return node.integer;
    case Kind::kFloat:
      return node.real;
    case Kind::kText:
      return std::string(node.text);
    case Kind::kBytes:
      return bytes(id);
    case Kind::kList:
      return Value::List{items()};
    case Kind::kTuple:
      return Value::Tuple{items()};
    case Kind::kDict:
    case Kind::kOrderedDict:
      return to_dict(node);
    case Kind::kArray:
      return array(id);
    case Kind::kNumpyArray:
      return {};
    default:
      fail(fmt::format("{} where a value should be", describe(node)));
  }
}

std::string describe(const PickleNode& node) {
  using Kind = PickleNode::Kind;
  switch (node.kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "a bool";
    case Kind::kInteger:
      return "an integer";
    case Kind::kFloat:
      return "a float";
    case Kind::kText:
      return "a text";
    case Kind::kBytes:
      return "bytes";
    case Kind::kList:
      return "a list";
    case Kind::kTuple:
      return "a tuple";
    case Kind::kDict:
    case Kind::kOrderedDict:
      return "a dict";
    case Kind::kArray:
      return "a tensor";
    case Kind::kStorage:
      return "a storage";
    case Kind::kNumpyType:
      return "a type of numpy's";
    case Kind::kNumpyArray:
      return "an array of numpy's";
    default:
      return fmt::format("the global {}", node.text);
  }
}

}  // namespace precis
