#include "lib/text/piece_scanner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/base/random.h"
#include "lib/text/byte_masks.h"
#include "lib/text/splitter.h"

namespace precis {
namespace {

using Places = std::vector<size_t>;

Places scanned(const std::string& text) {
  Places ends;
  for (PieceScanner scanner(text.data(), text.data() + text.size()); !scanner.done();) {
    const PieceScanner::Batch batch = scanner.next();
    for (const uint16_t end : batch.ends)
      ends.push_back(static_cast<size_t>(batch.base - text.data()) + end);
  }
  return ends;
}

/// One piece after the other, as the pattern says.
Places expected(const std::string& text) {
  Places ends;
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end; ends.push_back(static_cast<size_t>(p - text.data())))
    p = piece_end(p, end);
  return ends;
}

std::string random_text(RandomStream& random, const std::vector<std::string>& parts,
                        uint64_t num_parts) {
  std::string text;
  for (; num_parts > 0; --num_parts) text += parts[random.below(parts.size())];
  return text;
}

const std::vector<std::string> kWords{"a",  "Bcd", " the", " ",  "  ",  "\n",  "\t",
                                      ".",  "?!",  "'s",   "'t", "'ll", "'ve", "'re",
                                      "'l", "'",   " '",   "7",  "'d'm"};
const std::vector<std::string> kCharacters{
    "e",      "\u00e9", " ",          "\n",       "\u00a0",   "\u3000", "\u2028", "\u0301",
    "\u65e5", "\u0967", "\U0001f642", "'s",       "'",        "'ll",    ".",      "\u2019",
    "\x85",   "\xff",   "\xc3",       "\xe2\x80", "\xf0\x9f", "\u1680", "5",      "\xed\xa0\x80"};

TEST(ByteMasks, AreThoseOfEachByteOnAnyMachine) {
  for (int shift = 0; shift < 64; ++shift) {
    std::string bytes;
    for (int b = 0; b < 256 + 64; ++b) bytes.push_back(static_cast<char>(b + shift));
    for (size_t block = 0; block < 4; ++block) {
      const char* p = bytes.data() + 64 * block;
      const ByteMasks masks = byte_masks(p);
      ASSERT_EQ(masks, byte_masks_portable(p));
      for (size_t i = 0; i < 64; ++i) {
        const auto is = [i](uint64_t mask) { return (mask >> i & 1) != 0; };
        const auto found = static_cast<CharClass>(splitter::byte_class(p + i));
        ASSERT_EQ(is(masks.letter), found == CharClass::kLetter) << int{p[i]};
        ASSERT_EQ(is(masks.number), found == CharClass::kNumber) << int{p[i]};
        ASSERT_EQ(is(masks.space), found == CharClass::kSpace) << int{p[i]};
        ASSERT_EQ(is(masks.blank), p[i] == ' ');
        ASSERT_EQ(is(masks.apostrophe), p[i] == '\'');
        ASSERT_EQ(is(masks.non_ascii), splitter::byte_class(p + i) == splitter::kNeedsDecoding);
      }
    }
  }
}

TEST(PieceScanner, CutsAsThePatternDoesAtEveryPlaceOfABlock) {
  std::vector<std::string> all = kWords;
  all.insert(all.end(), kCharacters.begin(), kCharacters.end());
  for (const std::string& first : all)
    for (const std::string& second : all)
      for (size_t before = 58; before < 66; ++before)
        for (const char* filler : {"x", " ", "!"}) {
          std::string text;
          for (size_t i = 0; i < before; ++i) text += filler;
          text += first + second;
          ASSERT_EQ(scanned(text), expected(text)) << testing::PrintToString(text);
          text += "y z";
          ASSERT_EQ(scanned(text), expected(text)) << testing::PrintToString(text);
        }
}

TEST(PieceScanner, CutsAsThePatternDoesInTextsOfAnyKind) {
  RandomStream random(7);
  size_t num_pieces = 0, num_batches = 0;
  for (int round = 0; round < 6000; ++round) {
    const bool long_text = round % 50 == 0;
    const uint64_t num_parts = random.below(long_text ? 3000 : 120);
    std::string text;
    switch (round % 3) {
      case 0:
        text = random_text(random, kWords, num_parts);
        break;
      case 1:
        text = random_text(random, kCharacters, num_parts);
        break;
      default:
        for (uint64_t i = 0; i < num_parts; ++i)
          text.push_back(static_cast<char>(random.below(256)));
    }
    const Places ends = scanned(text);
    ASSERT_EQ(ends, expected(text)) << testing::PrintToString(text);
    num_pieces += ends.size();
    num_batches += (text.size() + PieceScanner::kMaxBytes - 1) / PieceScanner::kMaxBytes;
  }
  EXPECT_GT(num_pieces, 200000U);
  EXPECT_GT(num_batches, 6200U);  // texts of several, too
}

TEST(PieceScanner, EveryByteMayBeAPiece) {
  std::string text;
  for (size_t i = 0; i < PieceScanner::kMaxBytes + 70; ++i) text += i % 2 == 0 ? "a" : "1";
  EXPECT_EQ(scanned(text).size(), text.size());
  EXPECT_EQ(scanned(std::string(5000, 'a')), Places{5000});
  EXPECT_EQ(scanned(""), Places{});
}

}  // namespace
}  // namespace precis
