#include "lib/report/console.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lib/base/files.h"
#include "tests/report/temp_folder.h"

namespace precis {
namespace {

Record train(int64_t iter) {
  return {{"kind", "train"},
          {"iter", iter},
          {"max_iters", 500},
          {"loss", 2.34561},
          {"lr", 5.9e-5},
          {"grad_norm", 0.984},
          {"step_ms", 812.3},
          {"samples_per_s", 39.41},
          {"tokens_per_s", 7021.4},
          {"mfu", 0.6123},
          {"mfu_peak", "178 GFLOP/s"},
          {"eta_seconds", 754.0}};
}

TEST(Console, ATrainLine) {
  EXPECT_EQ(train_line(train(120)),
            "iter 120 | loss 2.3456 | lr 5.9e-05 | grad norm 0.98 | 812 ms | 39.4 samples/s | 7021 "
            "tokens/s | MFU 61.2 % (of 178 GFLOP/s) | ETA 12:34");
}

TEST(Console, WhatIsAbsentIsLeftOutAndWhatIsNotFiniteShows) {
  EXPECT_EQ(train_line({{"iter", 3}, {"loss", std::nan("")}, {"mfu", 0.5}}),
            "iter 3 | loss nan | MFU 50.0 %");
  EXPECT_EQ(train_line({{"iter", 3}, {"grad_norm", HUGE_VAL}, {"eta_seconds", HUGE_VAL}}),
            "iter 3 | grad norm inf");
  EXPECT_EQ(train_line({{"iter", 3}, {"loss", nullptr}}), "iter 3 | loss nan");
}

TEST(Console, TimesAndRatesOfAllSizes) {
  EXPECT_EQ(train_line({{"eta_seconds", 59.9}}), "ETA 00:59");
  EXPECT_EQ(train_line({{"eta_seconds", 3723}}), "ETA 1:02:03");
  EXPECT_EQ(train_line({{"eta_seconds", 2 * 86400 + 3723}}), "ETA 2 d 01:02:03");
  EXPECT_EQ(train_line({{"step_ms", 8.125}, {"samples_per_s", 0.4125}}),
            "8.12 ms | 0.412 samples/s");
}

TEST(Console, AnEvaluation) {
  EXPECT_EQ(eval_block({{"kind", "eval"},
                        {"iter", 60},
                        {"val_loss", 1.9},
                        {"rouge1", 0.41234},
                        {"rouge2", 0.2},
                        {"rougeL", 0.3},
                        {"num_examples", 256},
                        {"rouge_num_examples", 64},
                        {"best", true}}),
            "evaluation after 60 iterations, best so far\n"
            "  val loss 1.9000 (over 256 examples)\n"
            "  ROUGE-1 0.4123 | ROUGE-2 0.2000 | ROUGE-L 0.3000 (over 64 examples)");
  EXPECT_EQ(eval_block({{"iter", 3}, {"rouge1", 0.0}, {"num_empty_summaries", 12}}),
            "evaluation after 3 iterations\n  ROUGE-1 0.0000\n  12 of the summaries are empty");
  EXPECT_EQ(eval_block({{"iter", 3}, {"rouge1", 0.0}, {"num_empty_summaries", 0}}),
            "evaluation after 3 iterations\n  ROUGE-1 0.0000");
  EXPECT_EQ(eval_block({{"kind", "eval"}, {"iter", 60}, {"val_loss", 1.9}, {"rouge1", nullptr}}),
            "evaluation after 60 iterations\n  val loss 1.9000");
}

TEST(Console, EveryIntervalthIterationAndAllEvaluations) {
  const TempFolder folder;
  testing::internal::CaptureStdout();
  {
    Log log;
    log.open(folder / "train.log");
    ConsoleSink sink(log, 3);
    for (int64_t iter = 0; iter < 7; ++iter) sink.write({{"kind", "train"}, {"iter", iter}});
    sink.write({{"kind", "eval"}, {"iter", 7}, {"val_loss", 2.0}});
    sink.write({{"kind", "other"}, {"iter", 9}});
  }
  const std::string expected =
      "iter 0\niter 3\niter 6\nevaluation after 7 iterations\n  val loss 2.0000\n";
  EXPECT_EQ(testing::internal::GetCapturedStdout(), expected);
  EXPECT_NE(read_file(folder / "train.log").find("evaluation after 7 iterations\n"),
            std::string::npos);
}

}  // namespace
}  // namespace precis
