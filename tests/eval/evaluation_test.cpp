#include "lib/eval/evaluation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace precis {
namespace {

TEST(EmptySummaries, AreCountedAndToldOnce) {
  const std::vector<std::string> some = {"a", "", "b", ""}, one = {"", "a"}, none = {"a"},
                                 only = {""};
  EXPECT_EQ(count_empty(some), 2);
  EXPECT_EQ(empty_summaries_warning(some).find("2 of 4 summaries are empty"), 0u);
  EXPECT_EQ(empty_summaries_warning(one).find("1 of 2 summaries is empty"), 0u);
  EXPECT_EQ(empty_summaries_warning(only).find("the summary is empty"), 0u);
  EXPECT_EQ(count_empty(none), 0);
  EXPECT_EQ(empty_summaries_warning(none), "");
  EXPECT_EQ(empty_summaries_warning({}), "");
}

}  // namespace
}  // namespace precis
