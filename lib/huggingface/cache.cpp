// Where the models of Hugging Face's hub lie on this machine. Reference: huggingface_hub's
// constants.py and its cache layout.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/huggingface/cache.h"
#include "lib/huggingface/folder.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kHubNames[] = {"gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"};

std::optional<fs::path> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(value);
}

fs::path hub_cache() {
  if (const auto cache = environment("HF_HUB_CACHE")) return *cache;
  if (const auto home = environment("HF_HOME")) return *home / "hub";
  if (const auto cache = environment("XDG_CACHE_HOME")) return *cache / "huggingface" / "hub";
  return environment("HOME").value_or("/") / ".cache" / "huggingface" / "hub";
}

/// The snapshot that refs/main names, if it is complete.
std::optional<fs::path> snapshot(const fs::path& repository) {
  const fs::path ref = repository / "refs" / "main";
  std::error_code error;
  if (!fs::is_regular_file(ref, error)) return std::nullopt;
  std::string hash = read_file(ref);
  hash.erase(std::remove_if(hash.begin(), hash.end(),
                            [](unsigned char c) { return std::isspace(c) != 0; }),
             hash.end());
  const fs::path folder = repository / "snapshots" / hash;
  if (hash.empty() || !is_hugging_face_folder(folder)) return std::nullopt;
  return folder;
}

}  // namespace

fs::path resolve_model(const std::string& name) {
  std::error_code error;
  const bool is_hub_name =
      std::find(std::begin(kHubNames), std::end(kHubNames), name) != std::end(kHubNames);
  if (!is_hub_name) {
    if (fs::exists(name, error)) return name;
    throw DataError(fmt::format(
        "{}: there is no such model: expected a Hugging Face folder, a .pt checkpoint, or one of "
        "gpt2, gpt2-medium, gpt2-large, gpt2-xl",
        fs::absolute(name).lexically_normal().string()));
  }
  if (fs::is_directory(name, error)) return name;
  const fs::path cache = hub_cache();
  for (const char* owner : {"", "openai-community--"}) {
    if (const auto found = snapshot(cache / fmt::format("models--{}{}", owner, name)))
      return *found;
  }
  throw DataError(fmt::format(
      "model {0} was not found: there is no folder {1}, and the Hugging Face cache {2} does not "
      "hold it. Download it with: huggingface-cli download openai-community/{0}",
      name, fs::absolute(name).string(), fs::absolute(cache).string()));
}

}  // namespace precis
