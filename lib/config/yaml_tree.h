// YAML text as a plain tree that keeps what a config reader needs to judge: lines, keys that occur
// twice, nulls.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace precis {

/// A value in a YAML text. Aliases are replaced by copies of what they stand for.
struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  int line = 0;      ///< where it starts, from 1
  std::string text;  ///< of a scalar, quotes and escapes resolved
  std::vector<YamlNode>
      items;  ///< of a list: its entries; of a map: key, value, key, value, ... in the file's order
};

/// What is wrong with the text as YAML, in plain words, and where (from 1; 0: nowhere in
/// particular).
struct YamlError : std::runtime_error {
  YamlError(int at_line, int at_column, const std::string& what)
      : std::runtime_error(what), line(at_line), column(at_column) {}
  int line;
  int column;
};

/// Parses one YAML 1.2 document; an empty text is a null. Throws YamlError: syntax, bytes that are
/// not UTF-8, control characters, several documents, quotes without an end, aliases that refer to
/// themselves or grow beyond reason.
YamlNode parse_yaml(const std::string& text);

}  // namespace precis
