#include "lib/base/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lib/base/utf8.h"

namespace precis {

std::string in_quotes(std::string_view text) {
  constexpr size_t kLongest = 80;
  const size_t whole = text.size();
  if (whole > kLongest) {
    size_t end = kLongest;
    while (end > kLongest - 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string out = "'";
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    size_t length = 1;
    if (valid_utf8_length(text.substr(i, 4)) == 0 ||
        (lead < 0x20 && lead != '\n' && lead != '\t') || lead == 0x7F) {
      out += fmt::format(
          "\\x{:02x}",
          lead);  // bytes that are no UTF-8 are shown as numbers: the message stays text
    } else if (lead == '\n' || lead == '\t') {
      out += lead == '\n' ? "\\n" : "\\t";
    } else {
      length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
      out += text.substr(i, length);
    }
    i += length;
  }
  return whole > kLongest ? fmt::format("{}...' ({} bytes)", out, whole) : out + "'";
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr size_t kLongest =
      100;  // nobody mistypes a key of this length, and the distance is quadratic
  if (word.empty() || word.size() > kLongest) return "";
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  const std::string* found = nullptr;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance >= best) continue;
    best = distance;
    found = &candidate;
  }
  if (found != nullptr || word.size() < 4) return found != nullptr ? *found : "";
  for (const std::string& candidate : candidates) {
    if (candidate.find(word) == std::string::npos) continue;
    if (found != nullptr) return "";
    found = &candidate;
  }
  return found != nullptr ? *found : "";
}

}  // namespace precis
