#include "lib/base/digest_text.h"

#include <fmt/format.h>

#include "lib/base/random.h"

namespace precis {

uint64_t digest_of_text(std::string_view text) {
  uint64_t digest = text.size();
  for (size_t at = 0; at < text.size(); at += 8) {
    uint64_t word = 0;
    text.substr(at, 8).copy(reinterpret_cast<char*>(&word), 8);
    digest = splitmix64(digest ^ word);
  }
  return digest;
}

std::string digest_text(uint64_t digest) {
  return fmt::format("{:016x}", digest);
}

}  // namespace precis
