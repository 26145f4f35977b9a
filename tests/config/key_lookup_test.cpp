#include "lib/config/key_lookup.h"

#include <gtest/gtest.h>

#include "tests/config/sample_config.h"

namespace precis {
namespace {

class KeyLookup : public testing::Test {
 protected:
  SampleConfig config_;
  Sections sections_ = config_.sections();
};

TEST_F(KeyLookup, FindsSectionsAndKeys) {
  ASSERT_NE(find_section(sections_, "train"), nullptr);
  EXPECT_EQ(find_section(sections_, "trai"), nullptr);
  EXPECT_NE(find_key(*find_section(sections_, "train"), "max_iters"), nullptr);
  EXPECT_EQ(find_key(*find_section(sections_, "train"), "dropout"), nullptr);
}

TEST_F(KeyLookup, ExactKeysOfOtherSectionsComeFirst) {
  const Section* train = find_section(sections_, "train");
  EXPECT_EQ(meant_key(sections_, train, "dropout"), "model.dropout");
  EXPECT_EQ(meant_key(sections_, train, "max_iter"), "train.max_iters");
  EXPECT_EQ(meant_key(sections_, train, "dropuot"), "model.dropout");
  EXPECT_EQ(meant_key(sections_, nullptr, "sed"), "run.seed");
  EXPECT_EQ(meant_key(sections_, train, "zzzz"), "");
}

TEST_F(KeyLookup, TheNearestOfAllSectionsIsOffered) {
  int64_t near = 0, nearer = 0;
  const Sections two = {{"a", {{"intervals_", &near, ""}}}, {"b", {{"intervals", &nearer, ""}}}};
  EXPECT_EQ(meant_key(two, nullptr, "interval"), "b.intervals");
}

TEST_F(KeyLookup, DottedNames) {
  EXPECT_EQ(meant_dotted(sections_, "trin.dtyp"), "train.dtype");
  EXPECT_EQ(meant_dotted(sections_, "modle.bias"), "model.bias");
  EXPECT_EQ(meant_dotted(sections_, "seed"), "run.seed");
  EXPECT_EQ(meant_dotted({}, "a.b"), "");
}

TEST_F(KeyLookup, Sections) {
  EXPECT_EQ(meant_section(sections_, "modl"), "model");
  EXPECT_EQ(meant_section(sections_, "seed"), "the key seed of the section run");
  EXPECT_EQ(meant_section(sections_, "zzzzzz"), "");
}

TEST_F(KeyLookup, ShownKeysAreOneLine) {
  EXPECT_EQ(shown_key("train.max_iters"), "train.max_iters");
  EXPECT_EQ(shown_key("a b"), "'a b'");
  EXPECT_EQ(shown_key("é"), "'é'");
  EXPECT_EQ(shown_key(""), "''");
  EXPECT_LT(shown_key(std::string(1000, 'x')).size(), 110u);
}

}  // namespace
}  // namespace precis
