// A config from YAML and dotted overrides into the structs that declare it.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "lib/base/fields.h"

namespace precis {

/// A dotted override from the command line, `--train.max_iters=50`.
struct Override {
  std::string key;          ///< `train.max_iters`
  std::string value;        ///< `50`
  std::string option = {};  ///< what was typed, where it is not the key: `stages` for `run.stages`
};

/// Reads YAML (optional) and then the overrides into the sections' fields: defaults < YAML <
/// command line, the last of equal overrides counts. Everything wrong is collected and thrown as
/// one ConfigError with a line each, that names file, line, key, what was expected, what came, and
/// the nearest key of an unknown one; the fields are then to be thrown away. Returns the dotted
/// names that were set explicitly, so that a caller can tell a wish from a default.
std::set<std::string> load_config(const Sections& sections,
                                  const std::optional<std::filesystem::path>& yaml,
                                  std::span<const Override> overrides);

/// The same from YAML text, as a checkpoint carries it; `where` stands for the file in errors.
std::set<std::string> load_config_text(const Sections& sections, const std::string& text,
                                       const std::string& where,
                                       std::span<const Override> overrides);

}  // namespace precis
