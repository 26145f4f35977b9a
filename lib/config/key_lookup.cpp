#include "lib/config/key_lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lib/base/words.h"

namespace precis {
namespace {

std::string nearest_key(const Section& section, const std::string& key) {
  std::vector<std::string> names;
  for (const Field& field : section.fields) names.push_back(field.name);
  return nearest(key, names);
}

}  // namespace

const Section* find_section(const Sections& sections, const std::string& name) {
  for (const Section& section : sections)
    if (section.name == name) return &section;
  return nullptr;
}

const Field* find_key(const Section& section, const std::string& key) {
  for (const Field& field : section.fields)
    if (field.name == key) return &field;
  return nullptr;
}

std::string meant_key(const Sections& sections, const Section* here, const std::string& key) {
  for (const Section& section : sections)
    if (find_key(section, key) != nullptr) return section.name + "." + key;
  if (here != nullptr)
    if (const std::string name = nearest_key(*here, key); !name.empty())
      return here->name + "." + name;
  std::string best;
  size_t best_distance = std::string::npos;
  for (const Section& section : sections) {
    const std::string name = nearest_key(section, key);
    const size_t distance = name.empty() ? std::string::npos : edit_distance(key, name);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = section.name + "." + name;
  }
  return best;
}

std::string meant_dotted(const Sections& sections, const std::string& name) {
  const size_t dot = name.find('.');
  if (dot == std::string::npos) return meant_key(sections, nullptr, name);
  const std::string key = name.substr(dot + 1);
  const Section* section = find_section(sections, name.substr(0, dot));
  if (section != nullptr) return meant_key(sections, section, key);
  std::vector<std::string> names;
  for (const Section& each : sections) names.push_back(each.name);
  section = find_section(sections, nearest(name.substr(0, dot), names));
  if (section != nullptr && find_key(*section, key) != nullptr) return section->name + "." + key;
  return meant_key(sections, section, key);
}

std::string meant_section(const Sections& sections, const std::string& name) {
  std::vector<std::string> names;
  for (const Section& section : sections) names.push_back(section.name);
  const std::string section = nearest(name, names);
  if (!section.empty()) return section;
  const std::string key = meant_dotted(sections, name);
  const size_t dot = key.find('.');
  return key.empty()
             ? ""
             : fmt::format("the key {} of the section {}", key.substr(dot + 1), key.substr(0, dot));
}

std::string did_you_mean(const std::string& meant) {
  return meant.empty() ? "" : fmt::format("; did you mean {}?", meant);
}

std::string shown_key(const std::string& key) {
  constexpr size_t kLongest = 80;
  const auto usual = [](unsigned char c) { return c > ' ' && c < 0x7F; };
  const bool plain =
      !key.empty() && key.size() <= kLongest && std::all_of(key.begin(), key.end(), usual);
  return plain ? key : in_quotes(key);
}

}  // namespace precis
