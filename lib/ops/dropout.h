// Derived dropout: whether an element is kept is a pure function of (sample key, site, token,
// channel), so that any cut of a step into micro-batches and ranks drops the same elements. Sixteen
// random bits decide one element.
#pragma once

#include <cmath>
#include <cstdint>

#include "lib/base/random.h"

namespace precis {

/// Where in the model an element is dropped; distinct for each block and place.
struct DropoutSite {
  uint64_t id = 0;
  static DropoutSite embedding() { return {1}; }
  static DropoutSite attention(int64_t block) { return {static_cast<uint64_t>(block) * 4 + 4}; }
  static DropoutSite attention_output(int64_t block) {
    return {static_cast<uint64_t>(block) * 4 + 5};
  }
  static DropoutSite mlp_output(int64_t block) { return {static_cast<uint64_t>(block) * 4 + 6}; }
};

/// Dropout at one site. The probability is rounded to 1/65536, the scale to match, so it stays
/// unbiased.
struct Dropout {
  uint32_t threshold = 0;  ///< an element is dropped when its 16 bits are below this
  uint64_t site = 0;

  Dropout() = default;
  Dropout(double probability, DropoutSite at)
      : threshold(static_cast<uint32_t>(std::lround(probability * 65536.0))), site(at.id) {}
  constexpr bool active() const { return threshold > 0; }
  constexpr float scale() const { return 65536.0F / static_cast<float>(65536 - threshold); }
  /// The Philox key of a sample at this site.
  constexpr uint64_t key(uint64_t sample_key) const {
    return splitmix64(sample_key + site * 0x9E3779B97F4A7C15ULL);
  }
};

/// Element (row a, column c) of a sample, in plane b (a head, or 0): c = 64 group + 16 word + 8
/// half + lane; its bits are that half of that word of philox({8 group + lane, a, b, 0}, key).
/// Eight lanes are what a vector register holds.
constexpr int64_t kDropoutGroup = 64;

}  // namespace precis
