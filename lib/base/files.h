// Reading whole files and replacing files safely.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace precis {

/// The whole file as bytes. Throws DataError naming the absolute path when it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// A file written beside its final place (".NAME.new"), synced, and renamed over it by commit().
///
/// Until commit() returns, whatever stood at the path before stays whole. Without commit() the
/// destructor removes the new file. All members throw DataError naming the path.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::string_view bytes);
  void write_at(uint64_t offset, std::string_view bytes);
  /// fsync, rename, fsync of the folder.
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path new_path_;
  int fd_ = -1;
};

/// AtomicFile for content that is there at once.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace precis
