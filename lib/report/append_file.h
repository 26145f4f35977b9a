// A file that only grows: metrics.jsonl and TensorBoard's event files.
#pragma once

#include <filesystem>
#include <string_view>

namespace precis {

/// Appends whole pieces, each with one write(2), so that a reader or a sudden end sees a piece
/// whole or (the last one, on a full disk) cut. All members throw DataError naming the path.
class AppendFile {
 public:
  enum class Existing { kKeep, kRefuse };

  /// Opens, or creates, the file. kRefuse: it must not be there yet.
  AppendFile(std::filesystem::path path, Existing existing);
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  void append(std::string_view piece);
  /// fdatasync.
  void sync();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace precis
