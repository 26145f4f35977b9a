// The objects that a pickle builds, before they become a Value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/formats/value.h"

namespace precis {

/// An object of a pickle, and what it counts for.
struct PickleNode {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInteger,
    kFloat,
    kText,
    kBytes,
    kList,
    kTuple,
    kDict,
    kOrderedDict,
    kArray,
    kStorage,
    kGlobal,
    kNumpyType,
    kNumpyArray  ///< not read: a value of None
  };
  Kind kind = Kind::kNone;
  bool placed = false;  ///< already an item of another object, so it may not change any more
  uint16_t depth = 0;   ///< how deep objects are nested in it
  uint64_t weight = 0;  ///< bytes it takes, about, once every reference to an object is a copy
  int64_t integer = 0;  ///< bool, integer; index of an array or storage; which global; bytes: see
                        ///< add_bytes
  double real = 0;
  std::string_view text;        ///< text, bytes, or the name of a global or a type
  std::vector<uint32_t> items;  ///< of lists and tuples; of dicts: key, value, key, value...
};

/// Owns the objects of one pickle. They refer to each other by number; an object is complete before
/// another one takes it in, so there are no cycles, and depth and weight are known and limited at
/// every moment.
class PickleGraph {
 public:
  using Id = uint32_t;
  using Kind = PickleNode::Kind;

  /// `where` begins every error ("FILE: entry NAME"); `max_weight` limits the Value that comes out.
  PickleGraph(std::string where, uint64_t max_weight)
      : where_(std::move(where)), max_weight_(max_weight) {}

  Id add(Kind kind, int64_t integer = 0);
  Id add_real(double real);
  /// A text that lies in the pickle, or a literal: not copied.
  Id add_text(std::string_view text);
  /// Bytes that lie in the pickle: as they are, or, as protocol 2 writes them, as the text whose
  /// code points they are.
  Id add_bytes(std::string_view content, bool as_text);
  Id add_global(std::string_view name, int64_t which);
  /// A type of numpy's, by its name ("f8").
  Id add_numpy_type(std::string_view name);
  Id add_array(ArrayView array);
  Id add_tuple(std::span<const Id> items);

  const PickleNode& operator[](Id id) const { return nodes_[id]; }
  const ArrayView& array(Id id) const { return arrays_[static_cast<size_t>(nodes_[id].integer)]; }
  /// Appends to a list, or, key and value in turn, to a dict.
  void append(Id container, Id item);
  void check_key(Id key) const;

  /// The content of bytes. Fails where a text is no bytes.
  std::string bytes(Id id) const;
  Value to_value(Id id) const;
  [[noreturn]] void fail(std::string_view what) const;

 private:
  Id add_node(PickleNode node);
  Value to_dict(const PickleNode& node) const;

  std::string where_;
  uint64_t max_weight_;
  std::vector<PickleNode> nodes_;
  std::vector<ArrayView> arrays_;
};

/// For messages: "a list", "an integer", "the global torch.FloatStorage".
std::string describe(const PickleNode& node);

}  // namespace precis
