// A file that only grows: metrics.jsonl, train.log and TensorBoard's event files.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace precis {

/// Who tells people a sentence.
using Tell = std::function<void(const std::string& sentence)>;

/// Appends whole pieces, each with one write(2), and never ends its user's work: what cannot be
/// written (a full disk, a quota, a folder that is gone) is kept in memory and written before the
/// next piece, so that nothing is doubled or missing once there is room again. `tell` hears once
/// that it fails, naming the path, and once that it works again. A piece that was cut is taken back
/// off the file. A file that was removed or whose folder was is made anew with all it held.
class AppendFile {
 public:
  /// Opens, or creates, the file. `content`: what the file is to hold before anything is appended,
  /// put in place as AtomicFile does it; without it the file stays as it is.
  explicit AppendFile(std::filesystem::path path, Tell tell = {},
                      std::optional<std::string> content = std::nullopt);
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  /// Tries once more; tells what is lost.
  ~AppendFile();

  void append(std::string_view piece);
  /// Tries what is waiting once more, then fdatasync.
  void sync();
  /// Whether all that was appended is in the file.
  bool is_complete() const { return waiting_.empty() && !content_; }

 private:
  bool write_waiting();
  bool put_content();
  bool open_where_it_belongs();
  bool is_in_place() const;
  void take_along(int old);
  bool fail(const char* what);

  std::filesystem::path path_;
  Tell tell_;
  std::optional<std::string> content_;  // not yet in place
  std::string waiting_;                 // not yet appended
  std::optional<off_t> cut_at_;         // where half a piece begins that could not be taken off
  int fd_ = -1;
  bool failing_ = false;
};

}  // namespace precis
