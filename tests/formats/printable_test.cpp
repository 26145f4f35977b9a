#include "lib/formats/printable.h"

#include <gtest/gtest.h>

#include "lib/base/utf8.h"

namespace precis {
namespace {

TEST(Printable, SteersNoTerminalAndIsAlwaysText) {
  EXPECT_EQ(printable("plain caf\xC3\xA9 \xF0\x9F\x99\x82"), "plain caf\xC3\xA9 \xF0\x9F\x99\x82");
  EXPECT_EQ(printable("a\x1B[2J\n\x7F"), "a?[2J??");
  EXPECT_EQ(printable("Ordere\x99"
                      "dDict \xC3"),
            "Ordere?dDict ?");
  std::string long_text;
  for (int i = 0; i < 300; ++i) long_text += "\xE6\x97\xA5";  // cut in the middle of one
  EXPECT_TRUE(is_utf8(printable(long_text)));
  EXPECT_TRUE(printable(long_text).ends_with("..."));
}

}  // namespace
}  // namespace precis
