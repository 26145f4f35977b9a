#include "lib/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace precis {
namespace {

// The known-answer vectors of the authors' own distribution, Random123 (kat_vectors, philox4x32
// 10).
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// The first outputs of the generator with state 1234567, as published by its authors' reference
// code.
TEST(Splitmix64, GivesTheKnownAnswers) {
  constexpr uint64_t kStep = 0x9E3779B97F4A7C15ULL;
  const uint64_t seed = 1234567;
  EXPECT_EQ(splitmix64(seed), 6457827717110365317ULL);
  EXPECT_EQ(splitmix64(seed + kStep), 3203168211198807973ULL);
  EXPECT_EQ(splitmix64(seed + 2 * kStep), 9817491932198370423ULL);
}

TEST(MixKey, DependsOnEveryPartAndOnTheOrder) {
  std::set<uint64_t> keys;
  for (uint64_t a = 0; a < 20; ++a)
    for (uint64_t b = 0; b < 20; ++b) keys.insert(mix_key({a, b}));
  EXPECT_EQ(keys.size(), 400u);
  EXPECT_NE(mix_key({1}), mix_key({1, 0}));
}

TEST(RandomStream, IsAFunctionOfItsKey) {
  RandomStream a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t x = a.next();
    EXPECT_EQ(x, b.next());
    differs |= x != c.next();
  }
  EXPECT_TRUE(differs);
  RandomStream copy = a;
  EXPECT_EQ(a.next(), copy.next());
}

TEST(RandomStream, WalksTheCounter) {
  RandomStream stream(0);
  EXPECT_EQ(stream.next(), 0xe169c58d6627e8d5ULL);  // the first known answer, two words at a time
  EXPECT_EQ(stream.next(), 0x9b00dbd8bc57ac4cULL);
  const PhiloxBlock second = philox({1, 0, 0, 0}, {0, 0});
  EXPECT_EQ(stream.next(), (uint64_t{second[1]} << 32) | second[0]);
}

TEST(RandomStream, UniformStaysInItsRangeAndFillsIt) {
  RandomStream stream(1);
  constexpr int kDraws = 100'000;
  double sum = 0, least = 1, most = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = stream.uniform();
    ASSERT_TRUE(x >= 0 && x < 1);
    sum += x;
    least = std::min(least, x);
    most = std::max(most, x);
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_LT(least, 1e-3);
  EXPECT_GT(most, 1 - 1e-3);
}

TEST(RandomStream, BelowIsUniform) {
  RandomStream stream(2);
  constexpr int kDraws = 70'000;
  std::map<uint64_t, int> counts;
  for (int i = 0; i < kDraws; ++i) ++counts[stream.below(7)];
  ASSERT_EQ(counts.size(), 7u);
  for (const auto& [value, count] : counts) {
    EXPECT_LT(value, 7u);
    EXPECT_NEAR(count, kDraws / 7, 5 * std::sqrt(kDraws / 7.0));
  }
  EXPECT_EQ(stream.below(1), 0u);
}

TEST(RandomStream, BelowIsUnbiasedForHugeRanges) {
  // With n = 3 * 2^62 a plain remainder makes the lowest third twice as likely.
  RandomStream stream(3);
  const uint64_t n = uint64_t{3} << 62;
  constexpr int kDraws = 30'000;
  int lowest = 0;
  for (int i = 0; i < kDraws; ++i) {
    const uint64_t x = stream.below(n);
    ASSERT_LT(x, n);
    lowest += x < n / 3;
  }
  EXPECT_NEAR(lowest, kDraws / 3, 5 * std::sqrt(kDraws * 2.0 / 9));
}

TEST(RandomStream, NormalHasItsMoments) {
  RandomStream stream(4);
  constexpr int kDraws = 100'000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = stream.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0, 5 / std::sqrt(kDraws));
  EXPECT_NEAR(squares / kDraws, 1, 5 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(fourth / kDraws, 3, 5 * std::sqrt(96.0 / kDraws));
}

}  // namespace
}  // namespace precis
