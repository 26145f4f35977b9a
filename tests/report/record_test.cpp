#include "lib/report/record.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace precis {
namespace {

TEST(Record, FieldsOfAnyKindAreReadWithoutThrowing) {
  const Record record = {{"kind", "train"}, {"iter", 7},       {"loss", nullptr},
                         {"lr", "fast"},    {"note", "hello"}, {"norm", 0.5}};
  EXPECT_EQ(number_in(record, "iter"), 7);
  EXPECT_EQ(number_in(record, "norm"), 0.5);
  EXPECT_EQ(number_in(record, "loss"), std::nullopt);
  EXPECT_EQ(number_in(record, "lr"), std::nullopt);
  EXPECT_EQ(number_in(record, "absent"), std::nullopt);
  EXPECT_EQ(text_in(record, "note"), "hello");
  EXPECT_EQ(text_in(record, "iter"), "");
  EXPECT_EQ(iteration_of(record), 7);
  EXPECT_TRUE(is_kind(record, "train"));
  EXPECT_FALSE(is_kind(record, "eval"));
}

TEST(Record, WhatIsNoObjectHasNoFields) {
  for (const Record& record : {Record(), Record(3), Record::array({1, 2})}) {
    EXPECT_EQ(number_in(record, "iter"), std::nullopt);
    EXPECT_EQ(iteration_of(record), std::nullopt);
    EXPECT_FALSE(is_kind(record, "train"));
  }
  EXPECT_EQ(iteration_of({{"iter", 1e300}}), std::nullopt);
  EXPECT_EQ(iteration_of({{"iter", std::nan("")}}), std::nullopt);
}

TEST(Record, JsonIsAlwaysValidAndKeepsOrderAndEveryBit) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Record record = {{"z", std::nan("")},
                         {"a", kInfinity},
                         {"m", -kInfinity},
                         {"x", 0.1 + 0.2},
                         {"text", "a\xFF\n"}};
  EXPECT_EQ(to_json(record),
            "{\"z\":null,\"a\":null,\"m\":null,\"x\":0.30000000000000004,\"text\":"
            "\"a\xEF\xBF\xBD\\n\"}");
}

}  // namespace
}  // namespace precis
