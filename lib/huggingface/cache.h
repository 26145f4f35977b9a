// Models by name: Hugging Face's cache.
#pragma once

#include <filesystem>
#include <string>

namespace precis {

/// Where a model lies: gpt2, gpt2-medium, gpt2-large and gpt2-xl are looked for as a folder of that
/// name in the working directory, then in the Hugging Face cache (HF_HUB_CACHE, HF_HOME,
/// XDG_CACHE_HOME); any other name is a path. Throws DataError naming the places that were tried,
/// and the command that downloads the model.
std::filesystem::path resolve_model(const std::string& name);

}  // namespace precis
