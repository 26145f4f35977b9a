#include "lib/run/micro_batch_size.h"

#include <gtest/gtest.h>

#include "lib/model/gpt2/gpt2_shape.h"

namespace precis {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

ModelCost cost_of(int64_t token_bytes) {
  ModelCost cost;
  cost.token_bytes = token_bytes;
  cost.head_bytes = kGiB / 4;
  return cost;
}

TEST(MicroBatchSize, IsWhatFitsIntoMostOfTheMemoryThatIsLeft) {
  const ModelCost cost = cost_of(kGiB / 1024);
  const int64_t tokens = micro_batch_tokens_on_gpu(22 * kGiB, 1, 2 * kGiB, cost);
  EXPECT_LE(activation_bytes(cost, tokens), 12 * kGiB);
  EXPECT_GT(activation_bytes(cost, tokens + 1), 12 * kGiB);
}

TEST(MicroBatchSize, RanksThatShareAGpuPlanForTheirShares) {
  const ModelCost cost = cost_of(kGiB / 1024);
  const int64_t alone = micro_batch_tokens_on_gpu(20 * kGiB, 1, 2 * kGiB, cost);
  EXPECT_EQ(micro_batch_tokens_on_gpu(40 * kGiB, 2, 2 * kGiB, cost), alone);
  EXPECT_EQ(micro_batch_tokens_on_gpu(60 * kGiB, 3, 2 * kGiB, cost), alone);
  EXPECT_LT(micro_batch_tokens_on_gpu(20 * kGiB, 2, 2 * kGiB, cost), alone / 2)
      << "each rank has weights of its own";
}

TEST(MicroBatchSize, HasLimits) {
  EXPECT_EQ(micro_batch_tokens_on_gpu(kGiB, 1, 2 * kGiB, cost_of(1024)), 1024) << "tried at least";
  EXPECT_EQ(micro_batch_tokens_on_gpu(1000 * kGiB, 1, 0, cost_of(1024)), 65536);
}

TEST(MicroBatchSize, ATeslaT4AndGpt2) {
  Gpt2Shape shape;  // GPT-2 small with float16 copies: about 1.8 GB are held
  shape.n_layer = shape.n_head = 12;
  shape.n_embd = 768;
  shape.block_size = 1024;
  shape.vocab_size = 50257;
  const ParameterTable table = shape.parameters();
  const int64_t held = state_bytes(table.numel(), table.trainable_numel(), 2);
  const int64_t alone = micro_batch_tokens_on_gpu(15 * kGiB, 1, held, shape.cost(2)),
                shared = micro_batch_tokens_on_gpu(15 * kGiB, 2, held, shape.cost(2));
  EXPECT_GT(alone, 4096);
  EXPECT_LT(alone, 65536);
  EXPECT_LT(shared, alone / 2);
}

Progress read(int64_t tokens, const std::string& device) {
  Progress progress;
  progress.micro_batch_tokens = tokens;
  progress.micro_batch_device = device;
  return progress;
}

TEST(MicroBatchSize, AResumeTakesThatOfTheSameKindOfDevice) {
  const std::string t4 = "Tesla T4 with 15.8 GB", h100 = "NVIDIA H100 with 85.0 GB";
  constexpr int64_t kHere = 9000;  // what this device would plan
  EXPECT_EQ(resumed_micro_batch_tokens(read(4000, t4), t4, kHere), 4000) << "backed off before";
  EXPECT_EQ(resumed_micro_batch_tokens(read(65536, h100), t4, kHere), kHere);
  EXPECT_EQ(resumed_micro_batch_tokens(read(2048, "CPU"), t4, kHere), kHere);
  EXPECT_EQ(resumed_micro_batch_tokens(read(12000, t4), t4, kHere), kHere)
      << "never more than there is memory for now";
  EXPECT_EQ(resumed_micro_batch_tokens(read(65536, ""), t4, kHere), kHere)
      << "of an old checkpoint";
  EXPECT_EQ(resumed_micro_batch_tokens(read(0, ""), t4, kHere), kHere) << "of nanoGPT";
}

TEST(MicroBatchSize, AResumeOnACpuIsTheSameBitForBit) {
  EXPECT_EQ(resumed_micro_batch_tokens(read(512, "CPU"), "CPU", 2048), 512);
  EXPECT_EQ(resumed_micro_batch_tokens(read(4096, "CPU"), "CPU", 2048), 4096);
  EXPECT_EQ(resumed_micro_batch_tokens(read(512, ""), "CPU", 2048), 512) << "of an old checkpoint";
  EXPECT_EQ(resumed_micro_batch_tokens(read(65536, "Tesla T4 with 15.8 GB"), "CPU", 2048), 2048);
  EXPECT_EQ(device_kind(DeviceSetup{}), "CPU");
}

TEST(MicroBatchSize, IsHalvedUntilASampleAloneDoesNotFit) {
  EXPECT_EQ(smaller_micro_batch_tokens(8000, {.largest = 7000, .alone = 0}), 3500);
  EXPECT_EQ(smaller_micro_batch_tokens(8000, {.largest = 9000, .alone = 0}), 4000)
      << "a sample that is longer than the size";
  EXPECT_EQ(smaller_micro_batch_tokens(8000, {.largest = 0, .alone = 0}), 4000) << "not known";
  EXPECT_EQ(smaller_micro_batch_tokens(8000, {.largest = 1000, .alone = 1000}), 500)
      << "what was kept for larger ones is free then";
  EXPECT_EQ(smaller_micro_batch_tokens(500, {.largest = 1000, .alone = 1000}), std::nullopt);
  EXPECT_EQ(smaller_micro_batch_tokens(1000, {.largest = 1000, .alone = 1000}), std::nullopt);
  EXPECT_EQ(smaller_micro_batch_tokens(2, {.largest = 0, .alone = 0}), 1);
  EXPECT_EQ(smaller_micro_batch_tokens(1, {.largest = 0, .alone = 0}), std::nullopt);
}

}  // namespace
}  // namespace precis
