#include "lib/base/output_target.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>

#include "lib/base/errors.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

std::optional<int> number_in(const std::string& name) {
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 0) return std::nullopt;
  return number;
}

[[noreturn]] void refuse(std::string_view option, const fs::path& path, const std::string& why) {
  throw ConfigError(fmt::format("{} {}: {}", option, fs::absolute(path).string(), why));
}

/// Throws unless new files can be made in this folder.
void check_takes_files(const fs::path& folder, std::string_view option, const fs::path& path) {
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    refuse(option, path,
           fmt::format("nothing can be written in {}: {}", folder.string(), std::strerror(errno)));
}

}  // namespace

OutputTarget find_output(const fs::path& path) {
  using Kind = OutputTarget::Kind;
  constexpr int kMostLinks = 40;  // as the kernel
  std::error_code error;
  fs::path at = fs::current_path() / path;
  for (int links = 0; links < kMostLinks; ++links) {
    const fs::path folder = fs::canonical(at.parent_path(), error);
    if (error) return {Kind::kPlain, at};
    at = folder / at.filename();
    // What /proc calls a link here may be a pipe without a name, or a file that another name has
    // taken the place of: only the descriptor itself is what was meant.
    if (folder == fs::canonical("/proc/self/fd", error))
      if (const auto number = number_in(at.filename().string()))
        return {Kind::kDescriptor, at, *number};
    const fs::file_type type = fs::symlink_status(at, error).type();
    if (type == fs::file_type::not_found || type == fs::file_type::regular)
      return {Kind::kPlain, at};
    if (type == fs::file_type::directory) return {Kind::kFolder, at};
    if (type != fs::file_type::symlink || folder.string().starts_with("/proc/"))
      return {Kind::kSpecial, at};
    at = folder / fs::read_symlink(at, error);
  }
  throw DataError(fmt::format("{}: cannot be written: its links lead to each other",
                              fs::absolute(path).string()));
}

void check_output_file(const fs::path& path, std::string_view option) {
  if (path.empty()) throw ConfigError(fmt::format("{} names no file", option));
  const OutputTarget target = find_output(path);
  if (target.kind == OutputTarget::Kind::kFolder)
    refuse(option, path, "is a folder; name a file in it");
  if (target.kind != OutputTarget::Kind::kPlain) return;
  const fs::path folder = target.path.parent_path();
  std::error_code error;
  if (!fs::is_directory(folder, error))
    refuse(
        option, path,
        fmt::format("there is no folder {}; make it first, or name another file", folder.string()));
  check_takes_files(folder, option, path);
}

void check_stays_inside(const fs::path& folder, std::span<const std::string_view> growing,
                        std::string_view option) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (fs::is_other(fs::status(at->path(), ignored)))
      refuse(option, folder,
             fmt::format("{} in it is a pipe or a device: remove it, or name "
                         "another folder",
                         name));
    if (std::ranges::find(growing, name) != growing.end() &&
        fs::is_symlink(fs::symlink_status(at->path(), ignored)))
      refuse(
          option, folder,
          fmt::format("{} in it is a link (to {}), and outputs do not leave their folder: remove "
                      "the link, or name another folder",
                      name, fs::read_symlink(at->path(), ignored).string()));
  }
}

void check_output_folder(const fs::path& path, std::string_view option) {
  if (path.empty()) throw ConfigError(fmt::format("{} names no folder", option));
  std::error_code error;
  const fs::path wanted = fs::absolute(path).lexically_normal();
  for (fs::path at = wanted;; at = at.parent_path()) {
    const fs::file_type type = fs::status(at, error).type();
    if (type == fs::file_type::not_found && at.has_relative_path()) continue;
    if (type != fs::file_type::directory)
      refuse(option, path,
             fmt::format("{}is {}; expected a folder or a name for a new one",
                         at == wanted ? "" : at.string() + " ",
                         type == fs::file_type::regular ? "a file" : "no folder"));
    return check_takes_files(at, option, path);
  }
}

}  // namespace precis
