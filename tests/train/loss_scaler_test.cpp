// Dynamic loss scaling.
#include "lib/train/loss_scaler.h"

#include <gtest/gtest.h>

namespace precis {
namespace {

TEST(LossScaler, HalvesOnInfinityAndDoublesAfterTwoThousandGoodSteps) {
  using enum LossScaler::Outcome;
  LossScaler scaler(true);
  EXPECT_EQ(scaler.scale(), 65536);
  scaler.update(kNotFinite);
  EXPECT_EQ(scaler.scale(), 32768);
  for (int i = 0; i < 1999; ++i) scaler.update(i == 7 ? kOutlier : kTaken);
  EXPECT_EQ(scaler.scale(), 32768);
  scaler.update(kTaken);
  EXPECT_EQ(scaler.scale(), 65536);
  LossScaler off(false);
  off.update(kNotFinite);
  EXPECT_EQ(off.scale(), 1);
}

TEST(LossScaler, CountsStepsThatWereSkippedInARow) {
  using enum LossScaler::Outcome;
  for (const bool active : {true, false}) {
    LossScaler scaler(active);
    scaler.update(kNotFinite);
    scaler.update(kOutlier);
    EXPECT_EQ(scaler.skipped_steps(), 2);
    LossScaler later(active);
    later.restore(scaler.scale(), scaler.good_steps(), scaler.skipped_steps());
    EXPECT_EQ(later.scale(), scaler.scale());
    later.update(kNotFinite);
    EXPECT_EQ(later.skipped_steps(), 3);
    later.update(kTaken);
    EXPECT_EQ(later.skipped_steps(), 0);
  }
}

}  // namespace
}  // namespace precis
