#include "lib/base/random.h"

#include <cmath>
#include <numbers>

namespace precis {

uint64_t RandomStream::next() {
  const uint64_t block = position_ >> 1;
  const PhiloxBlock words =
      philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0}, key_);
  const size_t half = (position_++ & 1) * 2;
  return (uint64_t{words[half + 1]} << 32) | words[half];
}

uint64_t RandomStream::below(uint64_t n) {
  const uint64_t rest = -n % n;  // values below this would make the first residues likelier
  for (;;) {
    const uint64_t x = next();
    if (x >= rest) return x % n;
  }
}

double RandomStream::normal() {
  const double u = 1.0 - uniform();
  const double angle = 2.0 * std::numbers::pi * uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(angle);
}

}  // namespace precis
