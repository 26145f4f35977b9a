// Random numbers that are pure functions of their coordinates. Philox4x32-10: Salmon et al.,
// "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). splitmix64: Steele et al., OOPSLA 2014.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

namespace precis {

using PhiloxBlock = std::array<uint32_t, 4>;

/// The four words at a 128-bit counter under a 64-bit key.
constexpr PhiloxBlock philox(PhiloxBlock counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

constexpr uint64_t splitmix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// One 64-bit key from several coordinates; the order matters.
constexpr uint64_t mix_key(std::initializer_list<uint64_t> parts) {
  uint64_t key = 0;
  for (const uint64_t part : parts) key = splitmix64(key ^ part);
  return key;
}

/// A sequence of numbers under one key; copying it copies the position.
class RandomStream {
 public:
  explicit RandomStream(uint64_t key)
      : key_{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)} {}

  uint64_t next();
  /// In [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// In [0, n), unbiased. n > 0.
  uint64_t below(uint64_t n);
  /// Standard normal (Box-Muller).
  double normal();

 private:
  std::array<uint32_t, 2> key_;
  uint64_t position_ = 0;
};

}  // namespace precis
