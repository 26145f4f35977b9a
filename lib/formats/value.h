// What a checkpoint may hold: Python's plain values and dense arrays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lib/formats/array.h"

namespace precis {

class Value;
struct DictItem;

/// None, a bool, an integer, a float, a text, a list, a tuple, a dict or an array.
class Value {
 public:
  using Key = std::variant<int64_t, std::string>;
  struct List {
    std::vector<Value> items;
  };
  struct Tuple {
    std::vector<Value> items;
  };
  /// Pairs in their order, each key once. ordered: a collections.OrderedDict, as state dicts are.
  struct Dict {
    std::vector<DictItem> items;
    bool ordered = false;
  };

  Value() = default;
  Value(bool value) : data_(value) {}
  Value(int value) : data_(int64_t{value}) {}
  Value(int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(List value) : data_(std::move(value)) {}
  Value(Tuple value) : data_(std::move(value)) {}
  Value(Dict value) : data_(std::move(value)) {}
  Value(ArrayView value) : data_(std::move(value)) {}
  static Value dict() { return Value(Dict{}); }
  static Value ordered_dict();

  bool is_none() const { return std::holds_alternative<std::monostate>(data_); }
  /// The content if it is of that type (bool, int64_t, double, std::string, List, Tuple, Dict,
  /// ArrayView), else null.
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&data_);
  }
  template <class T>
  T* get_if() {
    return std::get_if<T>(&data_);
  }

  /// For error messages: "None", "a bool", "an integer", "a text", "a dict", "an array".
  const char* kind_name() const;

  /// The value of a key, or null where there is none or this is no dict.
  const Value* find(std::string_view key) const;
  const Value* find(int64_t key) const;
  /// Sets a key of a dict: in its place where it is there, else at the end. This must be a dict.
  void set(Key key, Value value);

  /// An integer, a float, a bool or an array of one element as a number; else nothing.
  std::optional<double> number() const;
  /// An integer, a whole float (nanoGPT's configs mix them) or an array of one integer; else
  /// nothing.
  std::optional<int64_t> integer() const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, List, Tuple, Dict, ArrayView>
      data_;
};

struct DictItem {
  Value::Key key;
  Value value;
};

/// A key as error messages print it: 'name', or 3.
std::string key_text(const Value::Key& key);

/// A value as it is typed: true, 0.5, a text without quotes; of what holds others, its kind.
std::string typed_text(const Value& value);

}  // namespace precis
