// One declaration a setting: each config struct lists its members once, as fields bound to itself.
// Reading YAML, command-line overrides, --help, validation, the dump, the checkpoint's copy and the
// table in configs/README.md walk that list.
//
//   struct TrainConfig {
//     int64_t max_iters = 500;
//     Fields fields() { return {{"max_iters", &max_iters, "optimizer steps", {.min = 0}}}; }
//   };
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace precis {

/// Where a field's value lives. optional: unset means "decided elsewhere" (the help says by what).
/// A path is kept apart from a string because ${VAR} is expanded in it and the dump makes it
/// absolute.
struct Path {
  std::string value;  ///< as given, ${VAR} expanded; empty: not set
  bool operator==(const Path&) const = default;
};

/// A number that the program chooses where it is not given: "auto or integer".
struct AutoCount {
  std::optional<int64_t> count;  ///< unset: auto
  bool operator==(const AutoCount&) const = default;
};

using FieldValue =
    std::variant<bool*, int64_t*, double*, std::string*, Path*, std::vector<std::string>*,
                 std::optional<bool>*, std::optional<int64_t>*, std::optional<double>*, AutoCount*>;

/// What a value may be. Numbers: min <= x <= max, or strictly above / below. Texts and the entries
/// of lists: one of choices, if any. Paths: choices are words that are no paths (`auto`), so they
/// are never made absolute.
struct Limits {
  std::optional<double> min = std::nullopt;
  std::optional<double> max = std::nullopt;
  std::optional<double> above = std::nullopt;
  std::optional<double> below = std::nullopt;
  std::vector<std::string> choices = {};
};

/// A setting: its key in its section, where it is stored, one line of help, and what it may be.
struct Field {
  std::string name;
  FieldValue value;
  std::string help;
  Limits limits = {};
};
using Fields = std::vector<Field>;

/// A section of the config: `train` in `train.max_iters`.
struct Section {
  std::string name;
  Fields fields;
};
using Sections = std::vector<Section>;

/// The word in help, tables and errors: "integer", "number", "true or false", "text", "path",
/// "list".
std::string type_name(const Field& field);

/// What may be written there, as a phrase: "integer of at least 0", "one of auto, float32", "path
/// or null".
std::string accepted(const Field& field);

/// The value as it is written in YAML ("null" where an optional is unset; texts are quoted where
/// needed). Paths are written as they are.
std::string to_yaml(const Field& field);

/// Sets the value from text as typed in YAML or on the command line ("null" unsets an optional and
/// a path; lists: comma-separated, with or without brackets). `${VAR}` in a path is replaced by the
/// environment's VAR; `$${` stands for `${`. Returns an empty string, or what was expected and what
/// came ("expected an integer of at least 0, got 'fast'"); then the value is as it was.
std::string assign(const Field& field, const std::string& text);

/// The same for a list whose entries are apart already, as in a YAML sequence: they may hold
/// commas.
std::string assign_list(const Field& field, const std::vector<std::string>& entries);

/// "expected an integer of at least 0, got GOT": the sentence of assign for a value that is no text
/// at all.
std::string mismatch(const Field& field, const std::string& got);

/// Whether "null" means something for this field: an optional, or a path.
bool takes_null(const Field& field);

/// The dotted name, `train.max_iters`: the one way to name a key outside its section.
inline std::string dotted(const Section& section, const Field& field) {
  return section.name + "." + field.name;
}

/// The field of a dotted name, or null.
const Field* find_field(const Sections& sections, std::string_view dotted_name);

}  // namespace precis
