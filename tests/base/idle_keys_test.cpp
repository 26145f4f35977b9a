#include "lib/base/idle_keys.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace precis {
namespace {

TEST(IdleLines, OneForEachReason) {
  const std::vector<IdleKey> idle = {
      {"a.x", "p is 0"}, {"b.y", "q is set"}, {"a.z", "p is 0"}, {"a.w", "p is 0"}};
  EXPECT_EQ(idle_lines(idle), (std::vector<std::string>{"a.x, a.z and a.w have no effect: p is 0",
                                                        "b.y has no effect: q is set"}));
  EXPECT_TRUE(idle_lines({}).empty());
}

}  // namespace
}  // namespace precis
