// Standard input and output in large blocks, as whoever has millions of lines wants them.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/errors.h"
#include "lib/base/utf8.h"

namespace precis {

/// What errors call the input.
inline constexpr std::string_view kStandardInput = "standard input";

/// Reads a descriptor, which it does not own, by lines or as a whole. Throws DataError where it
/// cannot be read.
class InputStream {
 public:
  explicit InputStream(int descriptor = STDIN_FILENO) : descriptor_(descriptor) {}

  /// The next line without its end; false at the end of the input. Valid until the next call.
  bool next(std::string_view& line);
  /// Everything up to the end of the input. Valid as long as this.
  std::string_view all();

 private:
  bool read_more();

  int descriptor_;
  std::string buffer_;
  size_t begin_ = 0;
  size_t filled_ = 0;
};

/// Gathers what is to be written to a descriptor, which it does not own. What is not flushed is not
/// written.
class OutputStream {
 public:
  explicit OutputStream(int descriptor = STDOUT_FILENO) : descriptor_(descriptor) {}

  /// What is appended here gets written.
  std::string& buffer() { return buffer_; }
  /// Writes what was gathered. Throws Error where that fails.
  void flush();
  void flush_if_large();

 private:
  int descriptor_;
  std::string buffer_;
};

/// Calls handle(line, number) for each line of the input. What was put out before an error stays.
template <typename Handle>
void for_each_line(InputStream& input, OutputStream& output, const Handle& handle) {
  std::string_view line;
  try {
    for (int64_t number = 1; input.next(line); ++number) {
      if (number == 1 && line.starts_with(kByteOrderMark))
        line.remove_prefix(kByteOrderMark.size());
      handle(line, number);
      output.flush_if_large();
    }
  } catch (const DataError&) {
    output.flush();
    throw;
  }
  output.flush();
}

}  // namespace precis
