#include "lib/checkpoint/checkpoint_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "lib/base/errors.h"
#include "lib/base/files.h"
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
  // last.pt is never written into, only replaced, so a second name for it is as good as a copy:
  // for the file itself, where last.pt is a link.
  const fs::path path = numbered(iter);
  const fs::path link = AtomicFile::beside(path);
  std::error_code error;
  fs::remove(link, error);
  fs::create_hard_link(fs::canonical(last(), error), link, error);
  if (error) {
    error.clear();
    fs::copy_file(last(), link, error);
  }
  if (error) {
    std::error_code ignored;
    fs::remove(link, ignored);  // half a copy
  }
  check(error, path, "cannot be created");
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

std::optional<fs::path> CheckpointFolder::to_evaluate() const {
  for (const fs::path& file : {best(), last()})
    if (fs::exists(file)) return file;
  return std::nullopt;
}

std::vector<fs::path> CheckpointFolder::checkpoints() const {
  std::vector<fs::path> found;
  const std::vector<int64_t> numbers = iterations();
  if (fs::exists(last())) found.push_back(last());
  for (auto iter = numbers.rbegin(); iter != numbers.rend(); ++iter)
    found.push_back(numbered(*iter));
  if (fs::exists(best())) found.push_back(best());
  return found;
}

CheckpointFolder::Newest CheckpointFolder::newest(
    const std::function<void(const fs::path&)>& read) const {
  Newest found;
  std::vector<fs::path> tried;
  for (const fs::path& path : checkpoints()) {
    // iter-NNNNNN.pt is often last.pt under another name: it would be read in vain.
    std::error_code error;
    if (std::any_of(tried.begin(), tried.end(),
                    [&](const fs::path& other) { return fs::equivalent(path, other, error); }))
      continue;
    if (::access(path.c_str(), R_OK) != 0)
      check(std::error_code(errno, std::generic_category()), path, "cannot be read");
    try {
      read(path);
      found.path = path;
      return found;
    } catch (const DataError& damage) {
      found.damaged.emplace_back(damage.what());
      tried.push_back(path);
    }
  }
  return found;
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
