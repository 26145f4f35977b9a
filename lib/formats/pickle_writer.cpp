#include "lib/formats/pickle_writer.h"

#include <bit>
#include <cassert>
#include <map>
#include <tuple>

#include "lib/base/utf8.h"
#include "lib/formats/bytes.h"
#include "lib/formats/pickle_opcodes.h"

namespace precis {

namespace {

const char* storage_name(ElementType type) {
  switch (type) {
    case ElementType::kFloat64:
      return "DoubleStorage";
    case ElementType::kFloat32:
      return "FloatStorage";
    case ElementType::kFloat16:
      return "HalfStorage";
    case ElementType::kBFloat16:
      return "BFloat16Storage";
    case ElementType::kInt64:
      return "LongStorage";
    case ElementType::kInt32:
      return "IntStorage";
    case ElementType::kInt16:
      return "ShortStorage";
    case ElementType::kInt8:
      return "CharStorage";
    case ElementType::kUInt8:
      return "ByteStorage";
    default:
      return "BoolStorage";
  }
}

/// Bytes that are no UTF-8 as Python's "surrogateescape" has them: U+DC80 to U+DCFF. Paths may hold
/// such.
std::string escape_bytes(std::string_view text) {
  std::string escaped;
  while (!text.empty()) {
    const size_t good = valid_utf8_length(text);
    escaped += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text[0]);
    escaped +=
        {'\xED', static_cast<char>(0xB0 | (byte >> 6)), static_cast<char>(0x80 | (byte & 0x3F))};
    text.remove_prefix(1);
  }
  return escaped;
}

class PickleWriter {
 public:
  Pickled run(const Value& root) {
    put(Opcode::kProto);
    result_.pickle += '\2';
    value(root);
    put(Opcode::kStop);
    return std::move(result_);
  }

 private:
  void put(Opcode opcode) { result_.pickle += static_cast<char>(opcode); }

  template <class T>
  void put(Opcode opcode, T number) {
    put(opcode);
    append_number(result_.pickle, number);
  }

  void text(std::string_view content) {
    std::string escaped;
    if (!is_utf8(content)) content = escaped = escape_bytes(content);
    put(Opcode::kBinUnicode, static_cast<uint32_t>(content.size()));
    result_.pickle += content;
  }

  void global(std::string_view module, std::string_view name) {
    put(Opcode::kGlobal);
    result_.pickle.append(module).append("\n").append(name).append("\n");
  }

  void boolean(bool flag) { put(flag ? Opcode::kNewTrue : Opcode::kNewFalse); }

  void integer(int64_t number) {
    if (number >= 0 && number <= 0xFF) {
      put(Opcode::kBinInt1, static_cast<uint8_t>(number));
    } else if (number == static_cast<int32_t>(number)) {
      put(Opcode::kBinInt, static_cast<int32_t>(number));
    } else {
      put(Opcode::kLong1, uint8_t{8});
      append_number(result_.pickle, number);
    }
  }

  void value(const Value& what) {
    if (const auto* flag = what.get_if<bool>()) {
      boolean(*flag);
    } else if (const auto* number = what.get_if<int64_t>()) {
      integer(*number);
    } else if (const auto* real = what.get_if<double>()) {
      put(Opcode::kBinFloat, __builtin_bswap64(std::bit_cast<uint64_t>(*real)));
    } else if (const auto* content = what.get_if<std::string>()) {
      text(*content);
    } else if (const auto* list = what.get_if<Value::List>()) {
      put(Opcode::kEmptyList);
      put(Opcode::kMark);
      for (const Value& item : list->items) value(item);
      put(Opcode::kAppends);
    } else if (const auto* tuple = what.get_if<Value::Tuple>()) {
      put(Opcode::kMark);
      for (const Value& item : tuple->items) value(item);
      put(Opcode::kTuple);
    } else if (const auto* items = what.get_if<Value::Dict>()) {
      dict(*items);
    } else if (const auto* numbers = what.get_if<ArrayView>()) {
      array(*numbers);
    } else {
      put(Opcode::kNone);
    }
  }

  void empty_ordered_dict() {
    global("collections", "OrderedDict");
    put(Opcode::kEmptyTuple);
    put(Opcode::kReduce);
  }

  void dict(const Value::Dict& what) {
    if (what.ordered) {
      empty_ordered_dict();
    } else {
      put(Opcode::kEmptyDict);
    }
    put(Opcode::kMark);
    for (const DictItem& item : what.items) {
      if (const auto* name = std::get_if<std::string>(&item.key)) {
        text(*name);
      } else {
        integer(std::get<int64_t>(item.key));
      }
      value(item.value);
    }
    put(Opcode::kSetItems);
  }

  void sizes(std::span<const int64_t> numbers) {
    put(Opcode::kMark);
    for (const int64_t number : numbers) integer(number);
    put(Opcode::kTuple);
  }

  void array(const ArrayView& what) {
    const std::optional<int64_t> count = count_elements(what.shape);
    assert(count && static_cast<size_t>(*count) * element_size(what.type) == what.bytes.size());
    const auto [found, is_new] = storages_.try_emplace(
        {what.bytes.data(), what.bytes.size(), what.type}, result_.storages.size());
    if (is_new) result_.storages.push_back(what);

    global("torch._utils", "_rebuild_tensor_v2");
    put(Opcode::kMark);
    put(Opcode::kMark);
    text("storage");
    global("torch", storage_name(what.type));
    text(std::to_string(found->second));
    text("cpu");
    integer(*count);
    put(Opcode::kTuple);
    put(Opcode::kBinPersId);
    integer(0);
    sizes(what.shape);
    std::vector<int64_t> strides(what.shape.size(), 1);
    for (size_t i = strides.size(); i-- > 1;) {
      strides[i - 1] = strides[i] * std::max<int64_t>(what.shape[i], 1);
    }
    sizes(strides);
    boolean(false);
    empty_ordered_dict();
    put(Opcode::kTuple);
    put(Opcode::kReduce);
  }

  Pickled result_;
  std::map<std::tuple<const std::byte*, size_t, ElementType>, size_t> storages_;
};

}  // namespace

Pickled write_pickle(const Value& root) {
  return PickleWriter().run(root);
}

}  // namespace precis
