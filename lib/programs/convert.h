// What the program convert does.
#pragma once

#include <filesystem>
#include <string>

#include "lib/base/log.h"
#include "lib/model/families.h"

namespace precis {

/// A checkpoint into a Hugging Face folder, or a folder into a checkpoint of step 0. Returns a line
/// that says what was made; what cannot be kept is told to the log as warnings.
std::string convert_model(const std::string& from, const std::filesystem::path& to,
                          const std::filesystem::path& tokenizer_dir, Log& log,
                          const ModelFamilies& families = known_families());

}  // namespace precis
