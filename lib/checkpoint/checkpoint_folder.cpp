#include "lib/checkpoint/checkpoint_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "lib/base/errors.h"
#include "lib/formats/pt_file.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "iter-";
constexpr std::string_view kSuffix = ".pt";

/// The number in iter-NNNNNN.pt.
std::optional<int64_t> iteration_of(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
      name.size() <= kPrefix.size() + kSuffix.size()) {
    return std::nullopt;
  }
  const std::string_view digits =
      name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  int64_t iter = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), iter);
  if (error != std::errc() || end != digits.data() + digits.size() || iter < 0) return std::nullopt;
  return iter;
}

/// What AtomicFile calls a file that it is writing.
fs::path beside(const fs::path& path) {
  return path.parent_path() / fmt::format(".{}.new", path.filename().string());
}

void check(const std::error_code& error, const fs::path& path, const char* what) {
  if (!error) return;
  throw DataError(fmt::format("{}: {}: {}", fs::absolute(path).string(), what, error.message()));
}

}  // namespace

fs::path CheckpointFolder::numbered(int64_t iter) const {
  return folder_ / fmt::format("{}{:06}{}", kPrefix, iter, kSuffix);
}

std::vector<int64_t> CheckpointFolder::iterations() const {
  std::vector<int64_t> found;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::optional<int64_t> iter = iteration_of(at->path().filename().string());
    if (iter && numbered(*iter).filename() == at->path().filename()) found.push_back(*iter);
  }
  std::sort(found.begin(), found.end());
  return found;
}

void CheckpointFolder::save_best(const Value& checkpoint) const {
  write_pt(best(), checkpoint);
}

void CheckpointFolder::save_last(const Value& checkpoint, int64_t iter, int64_t keep_last) const {
  write_pt(last(), checkpoint);
  if (keep_last <= 0) return;
  // last.pt is never written into, only replaced, so a second name for it is as good as a copy.
  const fs::path path = numbered(iter);
  const fs::path link = beside(path);
  std::error_code error;
  fs::remove(link, error);
  fs::create_hard_link(last(), link, error);
  if (error) {
    error.clear();
    fs::copy_file(last(), link, error);
  }
  check(error, link, "cannot be created");
  fs::rename(link, path, error);
  check(error, path, "cannot be put in place");
  fs::remove(link, error);  // renaming a file onto another name of itself leaves both

  std::vector<int64_t> older = iterations();
  older.erase(std::upper_bound(older.begin(), older.end(), iter), older.end());
  for (size_t i = 0; i + static_cast<size_t>(keep_last) < older.size(); ++i) {
    fs::remove(numbered(older[i]), error);
    check(error, numbered(older[i]), "cannot be removed");
  }
}

std::optional<CheckpointFolder::Found> CheckpointFolder::newest() const {
  std::vector<fs::path> candidates{last()};
  const std::vector<int64_t> numbers = iterations();
  for (auto iter = numbers.rbegin(); iter != numbers.rend(); ++iter)
    candidates.push_back(numbered(*iter));
  candidates.push_back(best());

  std::vector<std::string> damaged;
  for (const fs::path& path : candidates) {
    if (!fs::exists(path)) continue;
    try {
      return Found{path, read_pt(path), damaged};
    } catch (const DataError& error) {
      damaged.emplace_back(error.what());
    }
  }
  if (damaged.empty()) return std::nullopt;
  throw DataError(damaged.front());
}

void CheckpointFolder::remove_leftovers() const {
  std::error_code error;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with('.') || !name.ends_with(".pt.new")) continue;
    const std::string target = name.substr(1, name.size() - 5);
    if (target == "ckpt.pt" || target == "last.pt" || iteration_of(target))
      leftovers.push_back(at->path());
  }
  for (const fs::path& path : leftovers) {
    fs::remove(path, error);
    check(error, path, "cannot be removed");
  }
}

}  // namespace precis
