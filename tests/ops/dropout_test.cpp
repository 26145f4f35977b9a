// The CPU's multipliers of dropout against Philox as lib/base has it, one counter at a time.
#include "lib/ops/dropout_cpu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/base/random.h"

namespace precis {
namespace {

/// The bits of an element, as dropout.h defines them.
uint32_t bits_of(uint64_t key, int64_t column, uint32_t a, uint32_t b) {
  const auto c = static_cast<uint32_t>(column);
  const PhiloxBlock words = philox({c / 64 * 8 + c % 8, a, b, 0},
                                   {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
  const uint32_t word = words[c % 64 / 16];
  return c % 16 < 8 ? word & 0xFFFF : word >> 16;
}

std::vector<float> multipliers_of(const Dropout& dropout, uint64_t key, int64_t count, uint32_t a,
                                  uint32_t b) {
  std::vector<float> out(static_cast<size_t>(cpu::padded_to_group(count)), -1.0F);
  cpu::dropout_multipliers(dropout, key, count, a, b, out.data());
  return out;
}

TEST(DropoutMultipliers, AreThoseOfTheScalarFunction) {
  RandomStream random(1);
  int64_t dropped = 0, all = 0;
  for (int64_t count = 1; count < 500; count += count < 200 ? 1 : 37) {
    const Dropout dropout(count % 2 == 0 ? 0.1 : 0.6, DropoutSite::mlp_output(2));
    const uint64_t key = random.next();
    const auto a = static_cast<uint32_t>(random.next()), b = static_cast<uint32_t>(random.next());
    const std::vector<float> out = multipliers_of(dropout, key, count, a, b);
    for (int64_t c = 0; c < static_cast<int64_t>(out.size()); ++c) {
      const bool drops = bits_of(key, c, a, b) < dropout.threshold;
      ASSERT_EQ(out[static_cast<size_t>(c)], drops ? 0.0F : dropout.scale()) << count << " " << c;
      dropped += drops ? 1 : 0;
      ++all;
    }
  }
  EXPECT_GT(dropped, all / 4);
  EXPECT_LT(dropped, all / 2);
}

// A threshold of an element's own bits keeps it, and the next one drops it: so all of them are
// right, not only which side of a probability they are on.
TEST(DropoutMultipliers, AreThoseOfEveryThreshold) {
  constexpr uint64_t kKey = 0x123456789ABCDEF0ULL;
  constexpr int64_t kCount = 5 * kDropoutGroup - 3;
  for (int64_t c = 0; c < kCount; ++c) {
    const uint32_t bits = bits_of(kKey, c, 9, 4);
    Dropout dropout;
    dropout.threshold = bits;
    EXPECT_EQ(multipliers_of(dropout, kKey, kCount, 9, 4)[static_cast<size_t>(c)], dropout.scale());
    dropout.threshold = std::min(bits + 1, 65535U);
    EXPECT_EQ(multipliers_of(dropout, kKey, kCount, 9, 4)[static_cast<size_t>(c)], 0.0F) << bits;
  }
}

TEST(DropoutMultipliers, NoThresholdKeepsAll) {
  const std::vector<float> out = multipliers_of(Dropout(), 7, 70, 1, 2);
  EXPECT_EQ(std::ranges::count(out, 1.0F), 128);
}

}  // namespace
}  // namespace precis
