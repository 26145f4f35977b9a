// One declaration a setting: each config struct lists its members once, as fields bound to itself. Reading YAML,
// command-line overrides, --help, validation, the dump, the checkpoint's copy and the README's table walk that list.
//
//   struct TrainConfig {
//     int64_t max_iters = 500;
//     Fields fields() { return {{"max_iters", &max_iters, "optimizer steps", {.min = 0}}}; }
//   };
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace precis {

/// Where a field's value lives. optional: unset means "decided elsewhere" (the help says by what). A path is kept
/// apart from a string because ${VAR} is expanded in it and the dump makes it absolute.
struct Path {
  std::string value;  ///< as given, ${VAR} expanded; empty: not set
  bool operator==(const Path&) const = default;
};
using FieldValue = std::variant<bool*, int64_t*, double*, std::string*, Path*, std::vector<std::string>*,
                                std::optional<bool>*, std::optional<int64_t>*, std::optional<double>*>;

/// What a value may be. Numbers: min <= x <= max, or strictly above / below. Texts and lists: one of choices, if any.
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

/// The word in help, tables and errors: "integer", "number", "true or false", "text", "path", "list".
std::string type_name(const Field& field);

/// The value as it is written in YAML ("null" where an optional is unset; texts are quoted where needed).
std::string to_yaml(const Field& field);

/// Sets the value from text as typed in YAML or on the command line ("null" unsets an optional; lists: comma-separated).
/// Returns an empty string, or what was expected and what came ("expected an integer of at least 0, got 'fast'").
std::string assign(const Field& field, const std::string& text);

/// "config key" of a section and a field.
inline std::string dotted(const Section& section, const Field& field) { return section.name + "." + field.name; }

}  // namespace precis
