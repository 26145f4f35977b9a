// Standard input and output in large blocks, as whoever has millions of lines wants them.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/errors.h"

namespace precis {

/// What errors call the input.
inline constexpr std::string_view kStandardInput = "standard input";

/// Whole lines of an input, which follow one another.
struct LineBlock {
  std::string_view text;   ///< with the ends of lines; the last line of an input may lack its own
  int64_t first_line = 1;  ///< the number of its first line
  std::string memory;      ///< where the text lies; used again for the next block

  /// Calls handle(line, number) for each line, without its end.
  template <typename Handle>
  void for_each_line(const Handle& handle) const {
    int64_t number = first_line;
    for (size_t begin = 0; begin < text.size(); ++number) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      handle(text.substr(begin, end - begin), number);
      begin = end + 1;
    }
  }
};

/// Reads a descriptor, which it does not own, by blocks of lines or as a whole. Throws DataError
/// where it cannot be read.
class InputStream {
 public:
  explicit InputStream(int descriptor = STDIN_FILENO) : descriptor_(descriptor) {}

  /// Waits for the next lines and takes those that are there, up to about a quarter of a megabyte
  /// unless one line is longer. A byte order mark at the beginning is left out. False at the end of
  /// the input. Each time that nothing is there, before_waiting() is called, and where it returns
  /// false no more is read: false, too.
  bool next(LineBlock& block, const std::function<bool()>& before_waiting);
  /// Everything up to the end of the input. Valid as long as this.
  std::string_view all();

 private:
  bool would_wait() const;
  size_t read_some(std::string& memory, size_t filled);

  int descriptor_;
  std::string rest_;  // read already, behind the last block's lines
  int64_t next_line_ = 1;
  bool ended_ = false;
};

/// Writes to a descriptor, which it does not own.
class OutputStream {
 public:
  explicit OutputStream(int descriptor = STDOUT_FILENO) : descriptor_(descriptor) {}

  /// Throws Error where that fails.
  void write(std::string_view bytes);

 private:
  int descriptor_;
};

}  // namespace precis
