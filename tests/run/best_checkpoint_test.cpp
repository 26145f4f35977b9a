// Which evaluation is the best, and when there was no better one for too long.
#include "lib/run/best_checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace precis {
namespace {

TEST(BestCheckpoint, IsTheOneOfTheLargestMetric) {
  Progress progress;
  EXPECT_TRUE(note_evaluation(progress, {0, 5.0, -5.0})) << "the first one always";
  EXPECT_TRUE(note_evaluation(progress, {10, 4.0, -4.0}));
  EXPECT_FALSE(note_evaluation(progress, {20, 4.0, -4.0})) << "as good is no better";
  EXPECT_FALSE(note_evaluation(progress, {30, 4.5, -4.5}));
  EXPECT_EQ(progress.best_iter, 10);
  EXPECT_EQ(progress.best_metric, -4.0);
  EXPECT_EQ(progress.best_val_loss, 4.0);
  EXPECT_EQ(progress.evaluated_iter, 30);
  EXPECT_EQ(progress.stale_evaluations, 2);
  EXPECT_TRUE(note_evaluation(progress, {40, 7.0, 0.5})) << "the metric decides, not the loss";
  EXPECT_EQ(progress.best_iter, 40);
  EXPECT_EQ(progress.best_val_loss, 7.0);
  EXPECT_EQ(progress.stale_evaluations, 0);
}

TEST(BestCheckpoint, IsNeverOneWithoutALoss) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Progress progress;
  int64_t stale = 0;
  for (const double loss : {std::nan(""), kInfinity, -kInfinity}) {
    EXPECT_FALSE(note_evaluation(progress, {5, loss, 0.9})) << "of ROUGE";
    EXPECT_FALSE(note_evaluation(progress, {6, loss, -loss})) << "of the loss itself";
    stale += 2;
    EXPECT_EQ(progress.stale_evaluations, stale);
  }
  EXPECT_EQ(progress.best_iter, -1);
  EXPECT_EQ(progress.evaluated_iter, 6);
  EXPECT_FALSE(note_evaluation(progress, {7, 1.0, std::nan("")}));
  EXPECT_TRUE(note_evaluation(progress, {8, 1.0, 0.0}));
}

TEST(Patience, IsOverAfterSoManyInARow) {
  Progress progress;
  note_evaluation(progress, {0, 1.0, -1.0});
  for (const int64_t stale : {0, 1, 2, 3, 4}) {
    ASSERT_EQ(progress.stale_evaluations, stale);
    EXPECT_EQ(is_patience_over(progress, 3), stale >= 3) << stale;
    EXPECT_FALSE(is_patience_over(progress, 0)) << "0 is for ever";
    note_evaluation(progress, {stale + 1, 2.0, -2.0});
  }
  note_evaluation(progress, {9, 0.5, -0.5});
  EXPECT_FALSE(is_patience_over(progress, 1));
}

}  // namespace
}  // namespace precis
