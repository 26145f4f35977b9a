#include "lib/tools/streams.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace precis {

bool InputStream::next(std::string_view& line) {
  for (size_t searched = begin_;;) {
    const void* found = std::memchr(buffer_.data() + searched, '\n', filled_ - searched);
    if (found != nullptr) {
      const auto end = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data());
      line = {buffer_.data() + begin_, end - begin_};
      begin_ = end + 1;
      return true;
    }
    searched = filled_ - begin_;
    if (!read_more()) break;
  }
  line = {buffer_.data() + begin_, filled_ - begin_};
  begin_ = filled_;
  return !line.empty();
}

std::string_view InputStream::all() {
  while (read_more()) {
  }
  return {buffer_.data() + begin_, filled_ - begin_};
}

/// Reads a block after what is not taken yet, which moves to the front of the buffer.
bool InputStream::read_more() {
  constexpr size_t kBlock = size_t{1} << 20;
  std::memmove(buffer_.data(), buffer_.data() + begin_, filled_ - begin_);
  filled_ -= std::exchange(begin_, 0);
  if (buffer_.size() < filled_ + kBlock)
    buffer_.resize(std::max(filled_ + kBlock, buffer_.size() * 2));
  ssize_t got = -1;
  do {
    got = ::read(descriptor_, buffer_.data() + filled_, kBlock);
  } while (got < 0 && errno == EINTR);
  if (got < 0)
    throw DataError(fmt::format("{} cannot be read: {}", kStandardInput, std::strerror(errno)));
  filled_ += static_cast<size_t>(got);
  return got > 0;
}

void OutputStream::flush() {
  for (std::string_view rest = buffer_; !rest.empty();) {
    const ssize_t done = ::write(descriptor_, rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0)
      throw Error(ExitCode::kOther,
                  fmt::format("standard output cannot be written: {}", std::strerror(errno)));
    rest.remove_prefix(static_cast<size_t>(done));
  }
  buffer_.clear();
}

void OutputStream::flush_if_large() {
  if (buffer_.size() > (size_t{1} << 20)) flush();
}

}  // namespace precis
