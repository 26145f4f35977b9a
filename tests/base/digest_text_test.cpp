// The digest of texts notices every byte, and where it stands.
#include "lib/base/digest_text.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace precis {
namespace {

TEST(DigestOfText, NoticesEveryByteAndTheLength) {
  const std::string text = "Ann: are you coming? Ben: soon.";
  std::set<uint64_t> digests{digest_of_text(text)};
  EXPECT_TRUE(digests.contains(digest_of_text(std::string(text))));
  for (size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_TRUE(digests.insert(digest_of_text(changed)).second) << at;
    EXPECT_TRUE(digests.insert(digest_of_text(text.substr(0, at))).second) << at;
  }
  EXPECT_NE(digest_of_text(std::string(1, '\0')), digest_of_text(std::string(2, '\0')));
  EXPECT_NE(digest_of_text("12345678abcdefgh"), digest_of_text("abcdefgh12345678"));
}

TEST(DigestText, IsOfSixteenDigits) {
  EXPECT_EQ(digest_text(0), "0000000000000000");
  EXPECT_EQ(digest_text(0xFEDCBA9876543210), "fedcba9876543210");
}

}  // namespace
}  // namespace precis
