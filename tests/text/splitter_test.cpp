#include "lib/text/splitter.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "lib/base/files.h"

namespace precis {
namespace {

std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> found;
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const char* stop = piece_end(p, end);
    found.emplace_back(p, stop);
    p = stop;
  }
  return found;
}

using Pieces = std::vector<std::string>;

TEST(CharClasses, EqualTiktokensOnAllCodePoints) {
  std::vector<CharClass> expected(0x110000, CharClass::kOther);
  std::istringstream ranges(read_file("tests/golden/text_classes.txt"));
  uint32_t first = 0;
  uint32_t last = 0;
  std::string name;
  while (ranges >> std::hex >> first >> last >> name)
    for (uint32_t c = first; c <= last; ++c)
      expected[c] = name == "letter"   ? CharClass::kLetter
                    : name == "number" ? CharClass::kNumber
                                       : CharClass::kSpace;
  int64_t letters = 0;
  for (uint32_t c = 0; c < 0x110000; ++c) {
    ASSERT_EQ(char_class(c), expected[c]) << std::hex << c;
    letters += expected[c] == CharClass::kLetter;
  }
  EXPECT_EQ(letters, 141028);  // Unicode 16.0
}

TEST(CharClasses, TableOfBytesAgreesWithUnicode) {
  for (uint32_t c = 0; c < 0x80; ++c)
    EXPECT_EQ(splitter::kByteClass[c], static_cast<uint8_t>(char_class(c))) << c;
  for (uint32_t c = 0x80; c < 0x100; ++c)
    EXPECT_EQ(splitter::kByteClass[c], splitter::kNeedsDecoding);
}

TEST(Splitter, WordsTakeOneBlankBefore) {
  EXPECT_EQ(pieces("Hello  world 12x!? _a"),
            (Pieces{"Hello", " ", " world", " 12", "x", "!?", " _", "a"}));
}

TEST(Splitter, WhiteSpaceGivesItsLastCharacterToWhatFollows) {
  EXPECT_EQ(pieces("a \n b"), (Pieces{"a", " \n", " b"}));
  EXPECT_EQ(pieces("a \n\nb"), (Pieces{"a", " \n", "\n", "b"}));
  EXPECT_EQ(pieces("a\tb"), (Pieces{"a", "\t", "b"}));
  EXPECT_EQ(pieces("a \u3000b"), (Pieces{"a", " ", "\u3000", "b"}));
  EXPECT_EQ(pieces("a\u3000 b"), (Pieces{"a", "\u3000", " b"}));
  EXPECT_EQ(pieces("a \n "), (Pieces{"a", " \n "}));
  EXPECT_EQ(pieces(" "), (Pieces{" "}));
}

TEST(Splitter, ContractionsAreLowerCaseAndStartAPiece) {
  EXPECT_EQ(pieces("I'll've"), (Pieces{"I", "'ll", "'ve"}));
  EXPECT_EQ(pieces("it'Ss"), (Pieces{"it", "'", "Ss"}));
  EXPECT_EQ(pieces("!'s"), (Pieces{"!'", "s"}));
  EXPECT_EQ(pieces(" 's"), (Pieces{" '", "s"}));
  EXPECT_EQ(pieces("'l"), (Pieces{"'", "l"}));
  EXPECT_EQ(pieces("x'sy"), (Pieces{"x", "'s", "y"}));
  EXPECT_EQ(pieces("a\u2019s"), (Pieces{"a", "\u2019", "s"}));
}

TEST(Splitter, MarksEndWordsAndNumbersOfAllScriptsAreNumbers) {
  EXPECT_EQ(pieces("e\u0301x"), (Pieces{"e", "\u0301", "x"}));
  EXPECT_EQ(pieces("x१२½Ⅷ"), (Pieces{"x", "१२½Ⅷ"}));
}

TEST(Splitter, InvalidBytesAreOthersOneByOne) {
  EXPECT_EQ(pieces("a\xff!b"), (Pieces{"a", "\xff!", "b"}));
  EXPECT_EQ(pieces("\xc0\x80"), (Pieces{"\xc0\x80"}));          // overlong
  EXPECT_EQ(pieces("\xed\xa0\x80"), (Pieces{"\xed\xa0\x80"}));  // a surrogate
  EXPECT_EQ(pieces("a\xc3"), (Pieces{"a", "\xc3"}));            // cut off at the end
  EXPECT_EQ(pieces("\xc3\xa9\xa9"), (Pieces{"\xc3\xa9", "\xa9"}));
}

TEST(DecodeUtf8, AcceptsWhatUnicodeAllows) {
  const auto decode = [](const std::string& text) {
    return decode_utf8(text.data(), text.data() + text.size());
  };
  EXPECT_EQ(decode("\xf4\x8f\xbf\xbf").code_point, 0x10FFFFU);
  EXPECT_FALSE(decode("\xf4\x90\x80\x80").valid);
  EXPECT_FALSE(decode("\xf0\x80\x80\x80").valid);
  EXPECT_FALSE(decode("\xe0\x80\x80").valid);
  EXPECT_EQ(decode("\xef\xbf\xbf").code_point, 0xFFFFU);
  EXPECT_FALSE(decode("\xe2\x82").valid);
}

}  // namespace
}  // namespace precis
