#include "lib/run/config_view.h"

#include <fmt/format.h>

namespace precis {
namespace {

std::map<std::string, std::string> values_of(const Sections& sections) {
  std::map<std::string, std::string> values;
  for (const Section& section : sections)
    for (const Field& field : section.fields) values[dotted(section, field)] = to_yaml(field);
  return values;
}

}  // namespace

ConfigView::ConfigView(RunConfig& config) : config_(config), values_(values_of(config.sections())) {
  RunConfig untouched;
  defaults_ = values_of(untouched.sections());
}

std::string ConfigView::shown(const std::string& key) const {
  return fmt::format("{} {}{}", key, values_.at(key), config_.is_set(key) ? "" : " (its default)");
}

}  // namespace precis
