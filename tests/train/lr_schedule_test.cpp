// nanoGPT's schedule.
#include "lib/train/lr_schedule.h"

#include <gtest/gtest.h>

namespace precis {
namespace {

TEST(LearningRate, IsNanoGptsFormula) {
  TrainConfig config;
  config.learning_rate = 1e-3;
  config.min_lr = 1e-4;
  config.warmup_iters = 10;
  config.lr_decay_iters = 110;
  EXPECT_DOUBLE_EQ(learning_rate(config, 0), 1e-3 / 11);
  EXPECT_DOUBLE_EQ(learning_rate(config, 9), 1e-3 * 10 / 11);
  EXPECT_DOUBLE_EQ(learning_rate(config, 10), 1e-3);
  EXPECT_NEAR(learning_rate(config, 60), 5.5e-4, 1e-12);
  EXPECT_NEAR(learning_rate(config, 110), 1e-4, 1e-12);
  EXPECT_DOUBLE_EQ(learning_rate(config, 5000), 1e-4);
  config.decay_lr = false;
  EXPECT_DOUBLE_EQ(learning_rate(config, 0), 1e-3);
}

}  // namespace
}  // namespace precis
