#include "lib/tools/decimal.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

#include "lib/base/random.h"

namespace precis {
namespace {

std::string digits_of(uint32_t value) {
  std::array<char, kDecimalBytes + 1> memory;
  memory.fill('#');
  const std::string digits(memory.data(), write_decimal(value, memory.data()));
  EXPECT_EQ(memory.back(), '#') << value;
  return digits;
}

TEST(WriteDecimal, WritesEveryNumberAsItIsRead) {
  for (uint32_t value = 0; value < 300'000; ++value)
    ASSERT_EQ(digits_of(value), std::to_string(value));
  RandomStream random(5);
  for (int round = 0; round < 300'000; ++round) {
    const auto value = static_cast<uint32_t>(random.below(uint64_t{1} << 32) >> random.below(16));
    ASSERT_EQ(digits_of(value), std::to_string(value));
  }
}

TEST(WriteDecimal, KnowsWhereADigitIsAdded) {
  for (uint64_t power = 10; power < uint64_t{1} << 32; power *= 10)
    for (const uint64_t value : {power - 1, power, power + 1})
      EXPECT_EQ(digits_of(static_cast<uint32_t>(value)), std::to_string(value));
  constexpr uint32_t kLargest = std::numeric_limits<uint32_t>::max();
  EXPECT_EQ(digits_of(kLargest), std::to_string(kLargest));
}

}  // namespace
}  // namespace precis
