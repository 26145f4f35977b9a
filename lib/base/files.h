// Reading whole files and writing files safely.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace precis {

/// The whole file as bytes; twice tried where a disk fails. Throws DataError with the whole path.
std::string read_file(const std::filesystem::path& path);

/// Reads the whole file and keeps nothing of it. Throws as read_file.
void read_file_through(const std::filesystem::path& path);

/// Gives a damaged file another name beside its own, NAME.damaged or NAME.damaged-2 and so on, so
/// that nothing takes its place. Returns that name; nothing where it cannot be renamed.
std::optional<std::filesystem::path> keep_aside(const std::filesystem::path& path);

/// What becomes of a link where a file is written.
enum class Links {
  kFollow,  ///< it stays, and what it leads to is replaced: for names that a user gave
  kReplace  ///< the file takes its place, as that of anything but a folder: for a folder whose
            ///< outputs must not leave it
};

/// A file that takes the place of what stood at its path when it is whole.
///
/// A plain file, or a name where there is nothing, is written beside its place (".NAME.new"),
/// synced and renamed by commit(): until that returns, whatever stood there stays whole, and
/// without it the destructor removes the new file. Mode, and where that is allowed owner, of a file
/// that is replaced stay. With Links::kFollow everything else (a pipe, a device, /dev/stdout,
/// /dev/fd/N) is written into as the bytes come, and stays what it is. All members throw DataError
/// naming the path.
class AtomicFile {
 public:
  /// Opens; waits for a reader where a named pipe has none yet.
  explicit AtomicFile(std::filesystem::path path, Links links = Links::kFollow);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends; to a plain file in pieces of some size. What is written never has to be gone back to,
  /// so that a pipe can take it.
  void write(std::string_view bytes);
  /// fsync, rename, fsync of the folder.
  void commit();

  /// What the file is called while it is written beside `path`.
  static std::filesystem::path beside(const std::filesystem::path& path);

 private:
  void open_beside();
  void write_out(std::string_view bytes);
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;    // as it was given
  std::filesystem::path target_;  // what is replaced; empty: written into
  std::string gathered_;          // not yet written
  int fd_ = -1;
};

/// AtomicFile for content that is there at once.
void write_file(const std::filesystem::path& path, std::string_view bytes,
                Links links = Links::kFollow);

}  // namespace precis
