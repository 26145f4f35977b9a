// Names out of files that are not trusted, made fit for an error message.
#pragma once

#include <string>
#include <string_view>

namespace precis {

/// The text with control characters as '?', and cut where it is very long: a file must not steer
/// the terminal that shows what is wrong with it.
inline std::string printable(std::string_view text) {
  constexpr size_t kLongest = 400;
  std::string shown(text.substr(0, kLongest));
  for (char& c : shown) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7F) c = '?';
  }
  if (text.size() > kLongest) shown += "...";
  return shown;
}

}  // namespace precis
