#include "lib/text/plain_run.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/base/random.h"

namespace precis {
namespace {

/// As it is said in words.
PlainRun by_definition(const std::string& text) {
  size_t n = 0;
  bool ascii = true;
  for (; n < text.size(); ++n) {
    const auto b = static_cast<uint8_t>(text[n]);
    if (b == '"' || b == '\\' || b < 0x20) break;
    ascii = ascii && b < 0x80;
  }
  return {text.data() + n, ascii};
}

void expect_right(const std::string& text) {
  const PlainRun right = by_definition(text);
  const char* const end = text.data() + text.size();
  for (const PlainRun run : {plain_run(text.data(), end), plain_run_portable(text.data(), end)}) {
    ASSERT_EQ(run.end - text.data(), right.end - text.data()) << testing::PrintToString(text);
    ASSERT_EQ(run.ascii, right.ascii) << testing::PrintToString(text);
  }
}

TEST(PlainRun, EndsAtEachByteThatDoesNotStandForItself) {
  for (int b = 0; b < 256; ++b)
    for (const size_t place : {0, 1, 15, 16, 17, 40}) {
      std::string text(50, 'x');
      text[place] = static_cast<char>(b);
      expect_right(text);
    }
}

TEST(PlainRun, SeesEveryPlaceOfEveryLength) {
  for (size_t length = 0; length < 70; ++length) {
    expect_right(std::string(length, 'x'));
    for (size_t place = 0; place < length; ++place) {
      std::string text(length, 'x');
      text[place] = '"';
      expect_right(text);
      if (place + 1 < length) text[place + 1] = '\xC3';  // behind the end: does not count
      expect_right(text);
      text[place] = '\xC3';
      expect_right(text);
    }
  }
}

TEST(PlainRun, IsRightAboutRandomBytes) {
  RandomStream random(3);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    const uint64_t kinds = random.below(3);
    for (uint64_t n = random.below(100); n > 0; --n)
      text.push_back(static_cast<char>(kinds == 0   ? 0x20 + random.below(0x60)
                                       : kinds == 1 ? 0x23 + random.below(0xDD)
                                                    : random.below(256)));
    expect_right(text);
  }
}

}  // namespace
}  // namespace precis
