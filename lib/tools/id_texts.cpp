#include "lib/tools/id_texts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

namespace precis {
namespace {

constexpr size_t kMostDigits = 10;
constexpr size_t kMostBetween = 2;

}  // namespace

IdTexts::IdTexts(int32_t num_ids, std::string_view separator) : separator_(separator) {
  static_assert(std::endian::native == std::endian::little);
  std::array<char, kMostDigits + kMostBetween> text{};
  for (int32_t id = 0; id < num_ids; ++id) {
    const auto num_bytes = static_cast<size_t>(write(id, text.data()) - text.data());
    if (num_bytes > kMostBytes) break;
    Entry entry = 0;
    std::memcpy(&entry, text.data(), num_bytes);
    entries_.push_back(entry | uint64_t{num_bytes} << 56);
  }
}

/// Digits and separator, one after the other.
char* IdTexts::write(int32_t id, char* out) const {
  char* const end = std::to_chars(out, out + kMostDigits, id).ptr;
  return std::copy(separator_.begin(), separator_.end(), end);
}

void IdTexts::append_to(std::string& out, std::span<const int32_t> ids) const {
  constexpr size_t kAtOnce = 256;  // ids that are put together before they are appended
  std::array<char, kAtOnce*(kMostDigits + kMostBetween)> texts;
  for (size_t begin = 0; begin < ids.size(); begin += kAtOnce) {
    char* at = texts.data();
    for (const int32_t id : ids.subspan(begin, std::min(kAtOnce, ids.size() - begin))) {
      if (static_cast<size_t>(id) < entries_.size()) [[likely]] {
        const Entry entry = entries_[static_cast<size_t>(id)];
        std::memcpy(at, &entry, sizeof entry);  // a fixed number is fastest
        at += entry >> 56;
      } else {
        at = write(id, at);
      }
    }
    out.append(texts.data(), at);
  }
  if (!ids.empty()) out.resize(out.size() - separator_.size());
}

}  // namespace precis
