// The kinds of models that there are.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/formats/value.h"
#include "lib/model/model_family.h"

namespace precis {

using ModelFamilies = std::vector<const ModelFamily*>;

/// Those that the programs know, the usual one first. They live as long as the program.
ModelFamilies known_families();

std::vector<std::string> family_names(const ModelFamilies& families);

/// The one of that name, or null.
const ModelFamily* find_family(const ModelFamilies& families, std::string_view name);

/// The one whose config.json this is. Throws DataError, which begins with `file`, for one that is
/// not among them.
const ModelFamily& family_of_config_json(const ModelFamilies& families, const Value& config,
                                         const std::string& file);

}  // namespace precis
