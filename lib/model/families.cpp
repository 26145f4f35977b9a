#include "lib/model/families.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/model/config_json.h"
#include "lib/model/gpt2/gpt2_family.h"

namespace precis {

ModelFamilies known_families() {
  return {&gpt2_family()};
}

std::vector<std::string> family_names(const ModelFamilies& families) {
  std::vector<std::string> names;
  for (const ModelFamily* family : families) names.push_back(family->name());
  return names;
}

const ModelFamily* find_family(const ModelFamilies& families, std::string_view name) {
  const auto found =
      std::ranges::find_if(families, [&](const ModelFamily* f) { return f->name() == name; });
  return found == families.end() ? nullptr : *found;
}

const ModelFamily& family_of_config_json(const ModelFamilies& families, const Value& config,
                                         const std::string& file) {
  const ConfigJson json(config, file);
  const std::string names = fmt::format("{}", fmt::join(family_names(families), ", "));
  std::string type = json.text("model_type");
  if (type.empty()) {  // old files name the class alone
    const Value* classes = json.find("architectures");
    const auto* list = classes == nullptr ? nullptr : classes->get_if<Value::List>();
    const auto* name =
        list == nullptr || list->items.empty() ? nullptr : list->items[0].get_if<std::string>();
    if (name == nullptr) json.fail(fmt::format("has no model_type; expected {}", names));
    const auto found = std::ranges::find_if(
        families, [&](const ModelFamily* f) { return name->starts_with(f->class_prefix()); });
    if (found != families.end()) return **found;
    type = *name;
  }
  if (const ModelFamily* family = find_family(families, type)) return *family;
  json.fail(fmt::format("is of a model of type {}; only {} is supported", type, names));
}

}  // namespace precis
