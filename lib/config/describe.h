// A config for reading: as YAML, as help, as a table for configs/README.md.
#pragma once

#include <string>

#include "lib/base/fields.h"

namespace precis {

/// The whole config as YAML that load_config reads back to the same values. Paths are made
/// absolute, so that it can be run from anywhere. With `comments`, each key's help stands behind
/// it.
std::string dump_yaml(const Sections& sections, bool comments = false);

/// For --help: every key with its meaning, type and default (the fields' values as they are),
/// wrapped to 100 columns.
std::string help_table(const Sections& sections);

/// For configs/README.md: the same as a Markdown table for each section.
std::string markdown_table(const Sections& sections);

/// A paragraph whose first line begins at column `indent` of a line already begun: broken at
/// blanks, so that no line is wider than `width`, the others indented.
std::string wrap(const std::string& text, size_t width, size_t indent);

}  // namespace precis
