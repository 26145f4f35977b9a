#include "lib/formats/pickle_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

#include "lib/formats/bytes.h"
#include "lib/formats/pickle_opcodes.h"

namespace precis {

namespace {

using Kind = PickleNode::Kind;
using Id = PickleGraph::Id;

/// The stack machine that a pickle is a program for.
class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> pickle, const StorageSource& storages, std::string where)
      : pickle_(pickle),
        graph_(std::move(where), uint64_t{64 << 20} + 4 * uint64_t{pickle.size()}),
        objects_(graph_, storages) {}

  Value run() {
    if (pickle_.empty()) graph_.fail("is empty");
    for (;;) {
      const auto opcode = static_cast<Opcode>(number<uint8_t>());
      if (opcode == Opcode::kStop) break;
      if (!constant(opcode) && !collection(opcode) && !bookkeeping(opcode)) object(opcode);
    }
    return graph_.to_value(pop());
  }

 private:
  template <class T>
  T number() {
    return load_number<T>(take(sizeof(T)), 0);
  }

  std::span<const std::byte> take(uint64_t size) {
    if (size > pickle_.size() - at_) {
      graph_.fail(fmt::format(
          "ends after {} bytes in the middle of a value: the file is cut short or damaged",
          pickle_.size()));
    }
    const auto bytes = pickle_.subspan(at_, size);
    at_ += size;
    return bytes;
  }

  std::string_view line() {
    const auto rest = as_text(pickle_.subspan(at_));
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) take(rest.size() + 1);
    take(end + 1);
    return rest.substr(0, end);
  }

  void push(Id id) { stack_.push_back(id); }

  /// Objects below the topmost mark are out of reach.
  Id pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back()))
      graph_.fail("takes a value where none is: it is damaged");
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }

  Id top() {
    const Id id = pop();
    push(id);
    return id;
  }

  std::vector<Id> pop_to_mark() {
    if (marks_.empty()) graph_.fail("has no mark where one should be: it is damaged");
    std::vector<Id> items(stack_.begin() + static_cast<ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }

  void push_text(uint64_t size) { push(graph_.add_text(as_text(take(size)))); }
  void push_bytes(uint64_t size) { push(graph_.add_bytes(as_text(take(size)), false)); }
  void push_integer(int64_t value) { push(graph_.add(Kind::kInteger, value)); }

  /// Little-endian two's complement of any length.
  void push_long(uint64_t size) {
    const auto bytes = take(size);
    if (size > sizeof(int64_t))
      graph_.fail(fmt::format("an integer of {} bytes; at most 8 are read", size));
    uint64_t value = size > 0 && (std::to_integer<int>(bytes[size - 1]) & 0x80) ? ~uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), size);
    push_integer(static_cast<int64_t>(value));
  }

  void push_tuple(size_t size) {
    std::vector<Id> items(size);
    for (size_t i = size; i-- > 0;) items[i] = pop();
    push(graph_.add_tuple(items));
  }

  bool constant(Opcode opcode) {
    switch (opcode) {
      case Opcode::kNone:
        push(graph_.add(Kind::kNone));
        return true;
      case Opcode::kNewTrue:
      case Opcode::kNewFalse:
        push(graph_.add(Kind::kBool, opcode == Opcode::kNewTrue));
        return true;
      case Opcode::kBinInt:
        push_integer(number<int32_t>());
        return true;
      case Opcode::kBinInt1:
        push_integer(number<uint8_t>());
        return true;
      case Opcode::kBinInt2:
        push_integer(number<uint16_t>());
        return true;
      case Opcode::kLong1:
        push_long(number<uint8_t>());
        return true;
      case Opcode::kLong4:
        push_long(number<uint32_t>());
        return true;
      case Opcode::kBinFloat:
        push(graph_.add_real(std::bit_cast<double>(__builtin_bswap64(number<uint64_t>()))));
        return true;
      case Opcode::kShortBinUnicode:
      case Opcode::kShortBinString:
        push_text(number<uint8_t>());
        return true;
      case Opcode::kBinUnicode:
      case Opcode::kBinString:
        push_text(number<uint32_t>());
        return true;
      case Opcode::kBinUnicode8:
        push_text(number<uint64_t>());
        return true;
      case Opcode::kShortBinBytes:
        push_bytes(number<uint8_t>());
        return true;
      case Opcode::kBinBytes:
        push_bytes(number<uint32_t>());
        return true;
      case Opcode::kBinBytes8:
        push_bytes(number<uint64_t>());
        return true;
      default:
        return false;
    }
  }

  bool collection(Opcode opcode) {
    switch (opcode) {
      case Opcode::kEmptyList:
        push(graph_.add(Kind::kList));
        return true;
      case Opcode::kEmptyDict:
        push(graph_.add(Kind::kDict));
        return true;
      case Opcode::kEmptyTuple:
        push(graph_.add(Kind::kTuple));
        return true;
      case Opcode::kTuple1:
      case Opcode::kTuple2:
      case Opcode::kTuple3:
        push_tuple(1 + static_cast<size_t>(opcode) - static_cast<size_t>(Opcode::kTuple1));
        return true;
      case Opcode::kTuple:
        push(graph_.add_tuple(pop_to_mark()));
        return true;
      case Opcode::kList:
      case Opcode::kDict: {
        const std::vector<Id> items = pop_to_mark();
        push(graph_.add(opcode == Opcode::kList ? Kind::kList : Kind::kDict));
        opcode == Opcode::kList ? append(items) : set(items);
        return true;
      }
      case Opcode::kAppend:
        append(std::vector<Id>{pop()});
        return true;
      case Opcode::kAppends:
        append(pop_to_mark());
        return true;
      case Opcode::kSetItem: {
        const Id value = pop();
        const Id key = pop();
        set(std::vector<Id>{key, value});
        return true;
      }
      case Opcode::kSetItems:
        set(pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  void append(std::span<const Id> items) {
    const Id list = top();
    if (graph_[list].kind != Kind::kList)
      graph_.fail(fmt::format("appends to {}", describe(graph_[list])));
    for (const Id item : items) graph_.append(list, item);
  }

  void set(std::span<const Id> items) {
    const Id dict = top();
    const Kind kind = graph_[dict].kind;
    if (kind != Kind::kDict && kind != Kind::kOrderedDict) {
      graph_.fail(fmt::format("sets items of {}", describe(graph_[dict])));
    }
    if (items.size() % 2 != 0) graph_.fail("has a key without a value: it is damaged");
    for (size_t i = 0; i < items.size(); i += 2) {
      graph_.check_key(items[i]);
      graph_.append(dict, items[i]);
      graph_.append(dict, items[i + 1]);
    }
  }

  bool bookkeeping(Opcode opcode) {
    switch (opcode) {
      case Opcode::kProto:
        if (const auto protocol = number<uint8_t>(); protocol < 2 || protocol > 5) {
          graph_.fail(fmt::format("is a pickle of protocol {}; 2 to 5 are read", protocol));
        }
        return true;
      case Opcode::kFrame:
        number<uint64_t>();
        return true;
      case Opcode::kMark:
        marks_.push_back(stack_.size());
        return true;
      case Opcode::kPop:
        pop();
        return true;
      case Opcode::kPopMark:
        pop_to_mark();
        return true;
      case Opcode::kDup:
        push(top());
        return true;
      case Opcode::kMemoize:
        memo_[static_cast<uint32_t>(memo_.size())] = top();
        return true;
      case Opcode::kBinPut:
        memo_[number<uint8_t>()] = top();
        return true;
      case Opcode::kLongBinPut:
        memo_[number<uint32_t>()] = top();
        return true;
      case Opcode::kBinGet:
        recall(number<uint8_t>());
        return true;
      case Opcode::kLongBinGet:
        recall(number<uint32_t>());
        return true;
      default:
        return false;
    }
  }

  void recall(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end())
      graph_.fail(fmt::format("recalls object {} before it is made: it is damaged", index));
    push(found->second);
  }

  void object(Opcode opcode) {
    switch (opcode) {
      case Opcode::kGlobal:
      case Opcode::kInst: {  // only to name what it asks for
        const std::string_view module = line();
        const std::string_view name = line();
        const Id global = objects_.global(module, name);
        if (opcode == Opcode::kInst)
          graph_.fail(fmt::format("makes an instance of {}; refused", name));
        push(global);
        return;
      }
      case Opcode::kStackGlobal: {
        const Id name = pop();
        const Id module = pop();
        push(objects_.global(text(module), text(name)));
        return;
      }
      case Opcode::kReduce:
      case Opcode::kNewObj: {
        const Id arguments = pop();
        const Id callable = pop();
        push(objects_.call(callable, arguments));
        return;
      }
      case Opcode::kBuild: {
        const Id state = pop();
        objects_.build(top(), state);
        return;
      }
      case Opcode::kBinPersId:
        push(objects_.storage(pop()));
        return;
      default:
        graph_.fail(fmt::format(
            "has the pickle opcode 0x{:02x} at byte {}, which no checkpoint needs; refused",
            static_cast<int>(opcode), at_ - 1));
    }
  }

  std::string_view text(Id id) const {
    if (graph_[id].kind != Kind::kText)
      graph_.fail("names a global by something that is no text; refused");
    return graph_[id].text;
  }

  std::span<const std::byte> pickle_;
  size_t at_ = 0;
  PickleGraph graph_;
  TorchObjects objects_;
  std::vector<Id> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, Id> memo_;
};

}  // namespace

Value read_pickle(std::span<const std::byte> pickle, const StorageSource& storages,
                  std::string where) {
  return PickleMachine(pickle, storages, std::move(where)).run();
}

}  // namespace precis
