#include "lib/tools/streams.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/base/utf8.h"

namespace precis {
namespace {

/// Bytes that are asked for at a time: within a core's own cache.
constexpr size_t kBlock = size_t{1} << 18;

}  // namespace

bool InputStream::next(LineBlock& block, const std::function<bool()>& before_waiting) {
  std::string& memory = block.memory;
  size_t filled = rest_.size(), end = 0;
  if (memory.size() < filled) memory.resize(filled + kBlock);
  std::copy(rest_.begin(), rest_.end(), memory.begin());
  rest_.clear();
  while (end == 0 && !ended_) {
    if (would_wait() && !before_waiting()) return false;
    const size_t got = read_some(memory, filled);
    const size_t last = std::string_view(memory.data() + filled, got).rfind('\n');
    if (last != std::string_view::npos) end = filled + last + 1;
    filled += got;
    ended_ = got == 0;
  }
  if (ended_) end = filled;
  rest_.assign(memory, end, filled - end);
  block.text = std::string_view(memory.data(), end);
  block.first_line = next_line_;
  next_line_ += std::count(block.text.begin(), block.text.end(), '\n');
  if (block.first_line == 1 && block.text.starts_with(kByteOrderMark))
    block.text.remove_prefix(kByteOrderMark.size());
  return end > 0;
}

bool InputStream::would_wait() const {
  pollfd asked{descriptor_, POLLIN, 0};
  return ::poll(&asked, 1, 0) == 0;
}

std::string_view InputStream::all() {
  size_t filled = rest_.size();
  while (const size_t got = read_some(rest_, filled)) filled += got;
  rest_.resize(filled);
  return rest_;
}

/// Reads at most kBlock bytes behind the first `filled` of the memory, which grows where it has to,
/// and returns how many; 0 at the end of the input.
size_t InputStream::read_some(std::string& memory, size_t filled) {
  if (memory.size() < filled + kBlock) memory.resize(std::max(filled + kBlock, memory.size() * 2));
  ssize_t got = -1;
  do {
    got = ::read(descriptor_, memory.data() + filled, kBlock);
  } while (got < 0 && errno == EINTR);
  if (got < 0)
    throw DataError(fmt::format("{} cannot be read: {}", kStandardInput, std::strerror(errno)));
  return static_cast<size_t>(got);
}

void OutputStream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(descriptor_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0)
      throw Error(ExitCode::kOther,
                  fmt::format("standard output cannot be written: {}", std::strerror(errno)));
    bytes.remove_prefix(static_cast<size_t>(done));
  }
}

}  // namespace precis
