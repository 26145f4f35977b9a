#include "lib/config/config_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <utility>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/words.h"
#include "lib/config/key_lookup.h"
#include "lib/config/yaml_tree.h"

namespace precis {
namespace {

namespace fs = std::filesystem;
using Kind = YamlNode::Kind;

constexpr size_t kMostErrors = 12;                  // more would scroll the first ones away
constexpr size_t kLargestConfig = size_t{1} << 20;  // bytes; beyond, it is some other file

/// What a node is, for "got ...".
std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return in_quotes(node.text);
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "keys with values of their own";
  }
  return "";
}

class Loader {
 public:
  explicit Loader(const Sections& sections) : sections_(sections) {}

  void read_yaml(const std::string& text, const std::string& where);
  void read_file(const fs::path& path);
  void apply(std::span<const Override> overrides);
  /// The explicit keys, or all errors as one.
  std::set<std::string> finish();

 private:
  void error(const std::string& place, const std::string& key, const std::string& what) {
    errors_.push_back(place + (key.empty() ? "" : ": " + key) + ": " + what);
  }
  void read_root(const YamlNode& root);
  void read_section(const YamlNode& name, const YamlNode& body);
  void read_key(const Section& section, const YamlNode& key, const YamlNode& value);
  /// Reports a section or key that was there already.
  bool seen_before(const std::string& key, int line);
  /// Sets a field from a node; returns what is wrong, as assign does.
  static std::string set(const Field& field, const YamlNode& value);
  std::string at(int line) const { return line > 0 ? fmt::format("{}:{}", where_, line) : where_; }

  const Sections& sections_;
  std::string where_;
  std::map<std::string, int>
      first_line_;  // dotted names (and sections) of the file, for those that come again
  std::set<std::string> explicit_;
  std::vector<std::string> errors_;
};

void Loader::read_file(const fs::path& path) {
  std::error_code failure;
  const std::string absolute = fs::absolute(path, failure).string();
  if (path.empty())
    return error("config", "", "expected the name of a YAML file, got an empty name");
  const fs::file_status status = fs::status(path, failure);
  if (status.type() == fs::file_type::not_found)
    return error(absolute, "", "there is no such file");
  if (fs::is_directory(status)) return error(absolute, "", "expected a YAML file, got a folder");
  if (fs::is_regular_file(status) && fs::file_size(path, failure) > kLargestConfig)
    return error(absolute, "", "expected a config of at most 1 MiB; is this another file?");
  std::string text;
  try {
    text = precis::read_file(path);
  } catch (const DataError& problem) {
    return errors_.push_back(problem.what());
  }
  read_yaml(text, path.string());
}

void Loader::read_yaml(const std::string& text, const std::string& where) {
  where_ = where;
  try {
    read_root(parse_yaml(text));
  } catch (const YamlError& problem) {
    const std::string column = problem.column > 0 ? fmt::format("column {}: ", problem.column) : "";
    error(at(problem.line), "", fmt::format("{}not valid YAML: {}", column, problem.what()));
  }
}

void Loader::read_root(const YamlNode& root) {
  if (root.kind == Kind::kNull) return;  // an empty file: all defaults
  if (root.kind != Kind::kMap)
    return error(
        at(root.line), "",
        "expected sections (section:) with keys (key: value) below them, got " + describe(root));
  for (size_t i = 0; i + 1 < root.items.size(); i += 2)
    read_section(root.items[i], root.items[i + 1]);
}

void Loader::read_section(const YamlNode& name, const YamlNode& body) {
  const std::string place = at(name.line);
  if (name.kind != Kind::kScalar)
    return error(place, "", "expected the name of a section, got " + describe(name));
  const Section* section = find_section(sections_, name.text);
  if (section == nullptr)
    return error(place, shown_key(name.text),
                 "unknown section" + did_you_mean(meant_section(sections_, name.text)));
  if (seen_before(name.text, name.line)) return;
  if (body.kind == Kind::kNull) return;  // all its keys are commented out
  if (body.kind != Kind::kMap)
    return error(place, name.text,
                 "expected keys (key: value) below the section, got " + describe(body));
  for (size_t i = 0; i + 1 < body.items.size(); i += 2)
    read_key(*section, body.items[i], body.items[i + 1]);
}

void Loader::read_key(const Section& section, const YamlNode& key, const YamlNode& value) {
  const std::string place = at(key.line);
  if (key.kind != Kind::kScalar)
    return error(place, section.name, "expected a key, got " + describe(key));
  const Field* field = find_key(section, key.text);
  if (field == nullptr) {
    std::string meant = meant_key(sections_, &section, key.text);
    if (meant.starts_with(section.name + ".")) meant = meant.substr(section.name.size() + 1);
    return error(place, shown_key(section.name + "." + key.text),
                 "unknown key" + did_you_mean(meant));
  }
  const std::string full = dotted(section, *field);
  if (seen_before(full, key.line)) return;
  const std::string fault = set(*field, value);
  if (!fault.empty()) return error(place, full, fault);
  explicit_.insert(full);
}

bool Loader::seen_before(const std::string& key, int line) {
  const auto [first, is_new] = first_line_.emplace(key, line);
  if (!is_new)
    error(at(line), key, fmt::format("this is there twice, first in line {}", first->second));
  return !is_new;
}

std::string Loader::set(const Field& field, const YamlNode& value) {
  if (value.kind == Kind::kScalar) return assign(field, value.text);
  if (value.kind == Kind::kNull && takes_null(field)) return assign(field, "null");
  if (value.kind != Kind::kList) return mismatch(field, describe(value));
  std::vector<std::string> entries;
  for (const YamlNode& item : value.items) {
    if (item.kind != Kind::kScalar) return mismatch(field, describe(item) + " in a list");
    entries.push_back(item.text);
  }
  return assign_list(field, entries);
}

void Loader::apply(std::span<const Override> overrides) {
  for (const Override& given : overrides) {
    const std::string option = "--" + shown_key(given.option.empty() ? given.key : given.option);
    const Field* field = find_field(sections_, given.key);
    const std::string fault = field == nullptr
                                  ? "unknown key" + did_you_mean(meant_dotted(sections_, given.key))
                                  : assign(*field, given.value);
    if (fault.empty())
      explicit_.insert(given.key);
    else
      error(option, "", fault);
  }
}

std::set<std::string> Loader::finish() {
  if (errors_.empty()) return std::move(explicit_);
  const size_t more = errors_.size() > kMostErrors ? errors_.size() - kMostErrors : 0;
  errors_.resize(errors_.size() - more);
  if (more > 0) errors_.push_back(fmt::format("and {} more", more));
  throw ConfigError(fmt::format("{}", fmt::join(errors_, "\n")));
}

}  // namespace

std::set<std::string> load_config(const Sections& sections, const std::optional<fs::path>& yaml,
                                  std::span<const Override> overrides) {
  Loader loader(sections);
  if (yaml) loader.read_file(*yaml);
  loader.apply(overrides);
  return loader.finish();
}

std::set<std::string> load_config_text(const Sections& sections, const std::string& text,
                                       const std::string& where,
                                       std::span<const Override> overrides) {
  Loader loader(sections);
  loader.read_yaml(text, where);
  loader.apply(overrides);
  return loader.finish();
}

}  // namespace precis
