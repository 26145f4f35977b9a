// Names out of files that are not trusted, made fit for an error message.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/utf8.h"

namespace precis {

/// The text with control characters, and bytes that are no UTF-8, as '?', and cut where it is very
/// long: a file must not steer the terminal that shows what is wrong with it.
inline std::string printable(std::string_view text) {
  constexpr size_t kLongest = 400;
  std::string shown;
  for (std::string_view rest = text.substr(0, kLongest); !rest.empty();) {
    const DecodedChar c = decode_utf8(rest.data(), rest.data() + rest.size());
    const auto code = static_cast<unsigned char>(rest.front());
    if (!c.valid || code < 0x20 || code == 0x7F)
      shown += '?';
    else
      shown += rest.substr(0, c.num_bytes);
    rest.remove_prefix(c.num_bytes);
  }
  if (text.size() > kLongest) shown += "...";
  return shown;
}

}  // namespace precis
