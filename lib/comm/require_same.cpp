#include "lib/comm/require_same.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace precis {
namespace {

std::string host_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return host.data();
}

/// The first that is not the same, in words; empty where all is.
std::string first_difference(const nlohmann::json& roots, const nlohmann::json& theirs) {
  const auto words = [](const nlohmann::json& entries, size_t i) -> std::string {
    return i < entries.size() ? entries[i][1].get<std::string>() : "nothing";
  };
  for (size_t i = 0; i < std::max(roots.size(), theirs.size()); ++i) {
    const nlohmann::json* one = i < theirs.size() ? &theirs[i] : nullptr;
    if (one != nullptr && i < roots.size() && *one == roots[i]) continue;
    const std::string what = (i < roots.size() ? roots[i] : *one)[0];
    return fmt::format("{}: {} there, {} on", what, words(theirs, i), words(roots, i));
  }
  return "";
}

}  // namespace

void require_same(const World& world, const Compared& mine, const Difference& difference) {
  if (world.size() == 1) return;
  using nlohmann::json;
  json entries = json::array();
  for (const auto& [what, value] : mine) entries.push_back({what, value});
  // A value may hold any bytes.
  const std::string said = json{{"host", host_name()}, {"entries", entries}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  const std::vector<std::string> all = world.all_gather(said);
  const json root = json::parse(all[0]);
  for (size_t rank = 1; rank < all.size(); ++rank) {
    const json theirs = json::parse(all[rank]);
    const std::string words = first_difference(root["entries"], theirs["entries"]);
    if (words.empty()) continue;
    throw SharedError(difference.code,
                      fmt::format("rank {} (on {}) differs from rank 0 in {} rank 0 (on {}): {}",
                                  rank, theirs["host"].get<std::string>(), words,
                                  root["host"].get<std::string>(), difference.remedy));
  }
}

}  // namespace precis
