#include "lib/report/markup.h"

#include <gtest/gtest.h>

#include <cmath>

namespace precis {
namespace {

TEST(Markup, EscapesWhatHtmlReads) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&amp;'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(escape_html("Zoë said “hi” 👋\n\tok"), "Zoë said “hi” 👋\n\tok");
}

TEST(Markup, BytesThatAreNoTextAreReplaced) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(escape_html(std::string_view("a\0b", 3)), "a" + mark + "b");
  EXPECT_EQ(escape_html("\x1B[1m\x7F~"), mark + "[1m" + mark + "~");
  EXPECT_EQ(escape_html("a\xFF<"), "a" + mark + "&lt;");
  EXPECT_EQ(escape_html("\xC3"), mark);                                // cut
  EXPECT_EQ(escape_html("\xC0\xAF"), mark + mark);                     // overlong
  EXPECT_EQ(escape_html("\xED\xA0\x80"), mark + mark + mark);          // a surrogate
  EXPECT_EQ(escape_html("\xF4\x90\x80\x80").size(), 4 * mark.size());  // above U+10FFFF
}

TEST(Markup, NumbersForPeople) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(1.80559), "1.806");
  EXPECT_EQ(short_number(0.04170001), "0.0417");
  EXPECT_EQ(short_number(5.9e-5), "5.9e-5");
  EXPECT_EQ(short_number(106971.3), "106,971");
  EXPECT_EQ(short_number(2.5e12), "2.5e12");
  EXPECT_EQ(short_number(-1234.0), "-1,234");
  EXPECT_EQ(short_number(std::nan("")), "n/a");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(-0.2), "0");
}

}  // namespace
}  // namespace precis
