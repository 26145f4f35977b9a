// The rows of a long evaluation or prediction that are done, kept in a file while it runs, so that
// whoever starts it again writes the rest only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/append_file.h"
#include "lib/eval/summarizer.h"

namespace precis {

/// What the texts of the rows depend on: digests, and how many rows there are.
struct RowsOrigin {
  std::string weights, settings;
  size_t num_rows = 0;
};

/// A file of JSON lines: a head with the origin, then a row a line with a check of its own. Rows of
/// another origin are not looked at; a line that was not finished, or that a disk made something
/// else of, is left out. The file is made with the first row that is kept, and never ends its
/// user's work, as AppendFile has it.
class KeptRows {
 public:
  /// Reads what is there. `tell`: hears of what fails.
  KeptRows(std::filesystem::path path, const RowsOrigin& origin, Tell tell);

  /// The rows that were kept before.
  const RowTexts& rows() const { return rows_; }
  /// What was found, for people; empty if there was no file.
  const std::string& found() const { return found_; }

  void keep(size_t row, const std::string& text);
  /// Puts what was kept on the disk.
  void sync() {
    if (file_) file_->sync();
  }

 private:
  void read();
  void take(std::string_view content);
  bool take_line(std::string_view line);
  std::string line_of(size_t row, const std::string& text) const;
  std::string check_of(size_t row, const std::string& text) const;

  std::filesystem::path path_;
  RowsOrigin origin_;
  Tell tell_;
  std::string head_;  // the first line
  RowTexts rows_;
  std::string found_;
  bool is_usable_ = true;  // the path is no folder, pipe or device
  bool is_whole_ = false;  // the file holds the head and rows_, and nothing else
  std::unique_ptr<AppendFile> file_;
};

}  // namespace precis
