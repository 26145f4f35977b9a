// Dynamic loss scaling.
#include "lib/train/loss_scaler.h"

#include <gtest/gtest.h>

namespace precis {
namespace {

TEST(LossScaler, HalvesOnInfinityAndDoublesAfterTwoThousandGoodSteps) {
  LossScaler scaler(true);
  EXPECT_EQ(scaler.scale(), 65536);
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), 32768);
  for (int i = 0; i < 1999; ++i) scaler.update(true);
  EXPECT_EQ(scaler.scale(), 32768);
  scaler.update(true);
  EXPECT_EQ(scaler.scale(), 65536);
  LossScaler off(false);
  off.update(false);
  EXPECT_EQ(off.scale(), 1);
}

}  // namespace
}  // namespace precis
