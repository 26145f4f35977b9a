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

/// Whether the name is taken, be it by a link that leads nowhere: a disk may be missing.
bool stands(const fs::path& path) {
  return fs::symlink_status(path).type() != fs::file_type::not_found;
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
  // A folder that cannot be listed may be full of them.
  if (error != std::errc::no_such_file_or_directory) check(error, folder_, "cannot be read");
  std::sort(found.begin(), found.end());
  return found;
}

void CheckpointFolder::save_best(const Value& checkpoint) const {
  write_pt(best(), checkpoint, Links::kReplace);
}

void CheckpointFolder::save_last(const Value& checkpoint, int64_t iter, int64_t keep_last) const {
  write_pt(last(), checkpoint, Links::kReplace);
  number_last(iter, keep_last);
}

void CheckpointFolder::number_last(int64_t iter, int64_t keep_last) const {
  if (keep_last <= 0) return;
  // last.pt is never written into, only replaced, so a second name for it is as good as a copy.
  const fs::path path = numbered(iter);
  const fs::path link = AtomicFile::beside(path);
  std::error_code error, ignored;
  fs::remove(link, ignored);
  fs::create_hard_link(fs::canonical(last(), error), link, error);
  if (error) {
    error.clear();
    fs::copy_file(last(), link, error);
  }
  const char* what = error ? "cannot be created" : "cannot be put in place";
  if (!error) fs::rename(link, path, error);
  // Half a copy, or what stays where a file is renamed onto another name of itself.
  fs::remove(link, ignored);
  check(error, path, what);

  std::vector<int64_t> older = iterations();
  older.erase(std::upper_bound(older.begin(), older.end(), iter), older.end());
  if (older.size() > static_cast<size_t>(keep_last)) read_pt(last());  // checks all it holds
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
  if (stands(last())) found.push_back(last());
  for (auto iter = numbers.rbegin(); iter != numbers.rend(); ++iter)
    found.push_back(numbered(*iter));
  if (stands(best())) found.push_back(best());
  return found;
}

CheckpointFolder::Newest CheckpointFolder::first_whole(
    std::span<const fs::path> paths, const std::function<void(const fs::path&)>& read) {
  Newest found;
  for (const fs::path& path : paths) {
    if (::access(path.c_str(), R_OK) != 0)
      check(std::error_code(errno, std::generic_category()), path, "cannot be read");
    // iter-NNNNNN.pt is often last.pt under another name: it would be read in vain.
    std::error_code error;
    const bool known = std::ranges::any_of(
        found.damaged, [&](const fs::path& other) { return fs::equivalent(path, other, error); });
    try {
      if (!known) {
        // As read(2) does: in memory that is mapped a block that the disk cannot read would end the
        // process.
        read_file_through(path);
        read(path);
        found.path = path;
        return found;
      }
    } catch (const DataError& damage) {
      found.reasons.emplace_back(damage.what());
    }
    found.damaged.push_back(path);
    found.lost_iter =
        std::max(found.lost_iter, iteration_of(path.filename().string()).value_or(-1));
  }
  return found;
}

CheckpointFolder::Newest CheckpointFolder::newest(
    const std::function<void(const fs::path&)>& read) const {
  return first_whole(checkpoints(), read);
}

CheckpointFolder::Newest CheckpointFolder::best_whole(
    const std::function<void(const fs::path&)>& read) const {
  std::vector<fs::path> paths = checkpoints();
  if (!paths.empty() && paths.back() == best())
    std::rotate(paths.begin(), paths.end() - 1, paths.end());
  return first_whole(paths, read);
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
