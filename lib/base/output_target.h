// What stands at a path that is to be written, all links followed, and whether it can be.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace precis {

/// Where the bytes of an output go.
struct OutputTarget {
  enum class Kind {
    kPlain,      ///< a plain file, or nothing yet: it may be replaced by a rename
    kFolder,     ///< takes no bytes
    kSpecial,    ///< a pipe, a device, a socket: written into, never replaced
    kDescriptor  ///< open in this process already (/dev/stdout, /dev/fd/N): written into
  };
  Kind kind = Kind::kPlain;
  std::filesystem::path path;  ///< behind all links; of a dangling link: the name it leads to
  int descriptor = -1;         ///< of kDescriptor
};

/// Follows the links of a path. Throws DataError where they lead nowhere but to each other. A
/// folder on the way that does not exist is left for whoever opens the path to meet.
OutputTarget find_output(const std::filesystem::path& path);

/// Throws ConfigError, naming `option` as the user wrote it, where no file can be written at
/// `path`: a folder stands there, or the folder it is to lie in is missing or takes no files.
/// Changes nothing, so that a long piece of work is not begun in vain.
void check_output_file(const std::filesystem::path& path, std::string_view option);

/// Throws ConfigError, naming `option`, where what is written and read in a folder would leave it
/// or never end: one of the files that grow in place (or a folder of them) is a link, or anything
/// is a pipe or a device. A folder that is not there yet is as good as an empty one.
void check_stays_inside(const std::filesystem::path& folder,
                        std::span<const std::string_view> growing, std::string_view option);

/// As check_output_file, for a folder that is there or is to be made, with those above it.
void check_output_folder(const std::filesystem::path& path, std::string_view option);

}  // namespace precis
