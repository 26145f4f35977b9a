#include "lib/base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
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

TEST(Utf8, DecodesAndAppendsEveryCodePoint) {
  for (uint32_t c = 0; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 97) {
    if (is_high_surrogate(c) || is_low_surrogate(c)) continue;
    std::string text;
    append_utf8(text, c);
    const DecodedChar found = decode_utf8(text.data(), text.data() + text.size());
    ASSERT_TRUE(found.valid && is_utf8(text)) << c;
    ASSERT_EQ(found.code_point, c);
    ASSERT_EQ(found.num_bytes, text.size());
  }
}

TEST(Utf8, ReplacesAsPythonDoes) {  // bytes.decode("utf-8", "replace"); more in text_replaced.jsonl
  EXPECT_EQ(replace_invalid_utf8(""), "");
  EXPECT_EQ(replace_invalid_utf8("né"), "né");
  EXPECT_EQ(replace_invalid_utf8("a\xE2\x82"), "a\uFFFD");
  EXPECT_EQ(replace_invalid_utf8("\xF0\x9F\x98 b"), "\uFFFD b");
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(replace_invalid_utf8("\xFF\xC3"), "\uFFFD\uFFFD");
}

}  // namespace
}  // namespace precis
