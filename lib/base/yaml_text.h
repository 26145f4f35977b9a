// Scalars as YAML writes them.
#pragma once

#include <string>

namespace precis {

/// A text as a YAML scalar on one line: plain where every reader takes it for that very text (in a
/// flow list as well), else in double quotes with escapes. The text must be UTF-8.
std::string yaml_text(const std::string& text);

/// A number that comes back exactly, with a point (6e-05 is written 6.0e-05, and 1 is written 1.0),
/// so that YAML 1.1 readers take it for a number with a fraction too.
std::string yaml_number(double x);

}  // namespace precis
