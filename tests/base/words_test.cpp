#include "lib/base/words.h"

#include <gtest/gtest.h>

#include <vector>

namespace precis {
namespace {

TEST(InQuotes, KeepsPlainTextAndEscapesTheRest) {
  EXPECT_EQ(in_quotes("fast"), "'fast'");
  EXPECT_EQ(in_quotes("é 日 😀"), "'é 日 😀'");
  EXPECT_EQ(in_quotes("a\nb\tc\x1b[31m"), "'a\\nb\\tc\\x1b[31m'");
  EXPECT_EQ(in_quotes(std::string("a\0b", 3)), "'a\\x00b'");
}

TEST(InQuotes, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(in_quotes("caf\xE9"), "'caf\\xe9'");
  EXPECT_EQ(in_quotes("a\x80\x80"), "'a\\x80\\x80'");
  EXPECT_EQ(in_quotes("\xC3"), "'\\xc3'");
}

TEST(InQuotes, CutsLongTextsBetweenCharacters) {
  EXPECT_EQ(in_quotes(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(81, 'x')), "'" + std::string(80, 'x') + "...' (81 bytes)");
  std::string text(78, 'x');
  for (int i = 0; i < 10; ++i) text += "日";  // bytes 78 to 80 are one character
  EXPECT_EQ(in_quotes(text), "'" + std::string(78, 'x') + "...' (108 bytes)");
}

TEST(EditDistance, CountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("trian", "train"), 1u);
  EXPECT_EQ(edit_distance("ca", "abc"),
            3u);  // optimal string alignment: no edit inside a swapped pair
  EXPECT_EQ(edit_distance("max_iter", "max_iters"), 1u);
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> keys = {"max_iters", "learning_rate", "min_lr",
                                         "global_batch_size", "lr_decay_iters"};
  EXPECT_EQ(nearest("max_iter", keys), "max_iters");
  EXPECT_EQ(nearest("learning_rte", keys), "learning_rate");
  EXPECT_EQ(nearest("min_rl", keys), "min_lr");
  EXPECT_EQ(nearest("batch_size", keys), "global_batch_size");  // a part of one
  EXPECT_EQ(nearest("iters", keys), "");                        // a part of two
  EXPECT_EQ(nearest("temperature", keys), "");
  EXPECT_EQ(nearest("", keys), "");
  EXPECT_EQ(nearest(std::string(10'000, 'x'), keys), "");
}

TEST(Nearest, TakesTheFirstOfEquals) {
  const std::vector<std::string> words = {"cat", "car"};
  EXPECT_EQ(nearest("cap", words), "cat");
  EXPECT_EQ(nearest("car", words), "car");
}

TEST(FindInvalidUtf8, AcceptsWhatRfc3629Does) {
  for (const char* good :
       {"", "abc", "\u0080", "\u07FF", "\u0800", "\uFFFF", "\U00010000", "\U0010FFFF", "\uD7FF"})
    EXPECT_EQ(find_invalid_utf8(good), std::string_view::npos) << good;
}

TEST(FindInvalidUtf8, RefusesWhatItForbids) {
  const std::vector<std::string> bad = {
      "\x80",              // a continuation alone
      "\xC0\xAF",          // overlong
      "\xC1\xBF",          //
      "\xE0\x9F\xBF",      //
      "\xF0\x8F\xBF\xBF",  //
      "\xED\xA0\x80",      // a surrogate
      "\xF4\x90\x80\x80",  // beyond U+10FFFF
      "\xF5\x80\x80\x80",  //
      "\xFF",
      "\xC3",
      "\xE2\x82",
      "\xF0\x9F\x98",
      "\xC3(",
      "\xE2\x82(",
  };
  for (const std::string& text : bad) {
    EXPECT_EQ(find_invalid_utf8(text), 0u) << in_quotes(text);
    EXPECT_EQ(find_invalid_utf8("é" + text + "b"), 2u) << in_quotes(text);
  }
}

}  // namespace
}  // namespace precis
