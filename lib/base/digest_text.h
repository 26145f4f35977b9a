// Digests of texts, which tell whether two are the same. They find damage and change, and withstand
// nobody who wants two texts to have the same one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace precis {

uint64_t digest_of_text(std::string_view text);

/// A digest, of whatever kind, as files have it: 16 hexadecimal digits.
std::string digest_text(uint64_t digest);

}  // namespace precis
