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

}  // namespace
}  // namespace precis
