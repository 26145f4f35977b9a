// Rows that an earlier start has done: taken where they are of the same origin and whole, else not.
#include "lib/eval/kept_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lib/base/files.h"
#include "tests/formats/made_files.h"

namespace precis {
namespace {

using namespace testing;
using Rows = RowTexts;

const RowsOrigin kOrigin{"weights", "settings", 5};

struct KeptRowsTest : ::testing::Test {
  KeptRows open(const RowsOrigin& origin = kOrigin) {
    return {path, origin, [this](const std::string& sentence) { told.push_back(sentence); }};
  }
  /// A file with rows 3, 0 and 1.
  void make() {
    KeptRows kept = open();
    kept.keep(3, "three");
    kept.keep(0, "");
    kept.keep(1, "one \"quoted\",\nof two lines, \u00e9");
  }
  const Rows made{{0, ""}, {1, "one \"quoted\",\nof two lines, \u00e9"}, {3, "three"}};

  TemporaryFolder folder;
  std::filesystem::path path = folder / "predict.rows.jsonl";
  std::vector<std::string> told;
};

TEST_F(KeptRowsTest, NoFileIsMadeBeforeThereIsARow) {
  {
    const KeptRows kept = open();
    EXPECT_TRUE(kept.rows().empty());
    EXPECT_EQ(kept.found(), "");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(KeptRowsTest, TheNextStartHasThemAndGoesOn) {
  make();
  {
    KeptRows kept = open();
    EXPECT_EQ(kept.rows(), made);
    EXPECT_EQ(kept.found(), "3 of 5 rows are done and taken from predict.rows.jsonl");
    kept.keep(4, "four");
  }
  Rows more = made;
  more[4] = "four";
  EXPECT_EQ(open().rows(), more);
  EXPECT_TRUE(told.empty());
}

TEST_F(KeptRowsTest, OfAnotherOriginNothingIsTaken) {
  for (const RowsOrigin& other : {RowsOrigin{"w", "settings", 5}, RowsOrigin{"weights", "s", 5},
                                  RowsOrigin{"weights", "settings", 4}}) {
    make();
    {
      KeptRows kept = open(other);
      EXPECT_TRUE(kept.rows().empty());
      expect_words(kept.found(), {"predict.rows.jsonl", "begun anew"});
      EXPECT_EQ(open().rows(), made) << "left alone until there is a row to keep";
      kept.keep(2, "two");
    }
    EXPECT_EQ(open(other).rows(), (Rows{{2, "two"}}));
    EXPECT_TRUE(open().rows().empty());
    std::filesystem::remove(path);
  }
}

TEST_F(KeptRowsTest, WhereverTheFileEndsWhatIsWholeIsTaken) {
  make();
  const std::string content = read_file(path);
  size_t with_half_a_line = 0;
  for (size_t size = 0; size < content.size(); ++size) {
    write_file(path, content.substr(0, size));
    const KeptRows cut = open();
    const auto lines = static_cast<size_t>(std::ranges::count(content.substr(0, size), '\n'));
    EXPECT_EQ(cut.rows().size(), lines == 0 ? 0 : lines - 1) << size;
    for (const auto& [row, text] : cut.rows()) EXPECT_EQ(text, made.at(row));
    with_half_a_line += cut.found().find("1 damaged line is left out") != std::string::npos;
  }
  EXPECT_GT(with_half_a_line, content.size() / 2);
  {
    write_file(path, content.substr(0, content.size() - 9));
    KeptRows kept = open();
    kept.keep(2, "two");
  }
  EXPECT_EQ(open().rows(), (Rows{{0, ""}, {2, "two"}, {3, "three"}})) << "not after half a line";
  EXPECT_EQ(open().found().find("damaged"), std::string::npos);
}

TEST_F(KeptRowsTest, AnyFlippedBitIsNoticed) {
  make();
  const std::string content = read_file(path);
  size_t fewer = 0;
  for (size_t bit = 0; bit < content.size() * 8; ++bit) {
    std::string flipped = content;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    write_file(path, flipped);
    const KeptRows kept = open();
    for (const auto& [row, text] : kept.rows()) {
      ASSERT_TRUE(made.contains(row)) << bit;
      EXPECT_EQ(text, made.at(row)) << bit;
    }
    fewer += kept.rows().size() < made.size();
  }
  EXPECT_GT(fewer, content.size() * 7);
}

TEST_F(KeptRowsTest, LinesThatAreNoRowsAreLeftOut) {
  make();
  const std::string content = read_file(path);
  for (const char* line :
       {"[]", "{}", "null", "{\"row\":-1,\"summary\":\"\",\"check\":\"\"}",
        "{\"row\":9,\"summary\":\"\",\"check\":\"\"}", "{\"row\":2,\"summary\":7,\"check\":\"\"}",
        "{\"row\":2,\"summary\":\"made up\",\"check\":\"0123456789abcdef\"}"}) {
    write_file(path, content + line + "\n");
    EXPECT_EQ(open().rows(), made) << line;
  }
}

TEST_F(KeptRowsTest, WhatIsNoFileIsLeftAlone) {
  std::filesystem::create_directory(path);
  {
    KeptRows kept = open();
    kept.keep(0, "zero");
  }
  EXPECT_TRUE(std::filesystem::is_directory(path));
  ASSERT_EQ(told.size(), 1u);
  expect_words(told[0], {path.string(), "not kept"});
}

}  // namespace
}  // namespace precis
