#include "lib/base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/base/words.h"

namespace precis {
namespace {

TEST(Utf8, AcceptsWhatRfc3629Does) {
  for (const char* good :
       {"", "abc", "\u0080", "\u07FF", "\u0800", "\uFFFF", "\U00010000", "\U0010FFFF", "\uD7FF"})
    EXPECT_TRUE(is_utf8(good)) << good;
}

TEST(Utf8, RefusesWhatItForbids) {
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
    EXPECT_EQ(valid_utf8_length(text), 0u) << in_quotes(text);
    EXPECT_EQ(valid_utf8_length("é" + text + "b"), 2u) << in_quotes(text);
    for (size_t before : {7u, 8u, 9u, 23u})  // plain text is skipped eight bytes at a time
      EXPECT_EQ(valid_utf8_length(std::string(before, 'a') + text), before) << in_quotes(text);
  }
}

}  // namespace
}  // namespace precis
