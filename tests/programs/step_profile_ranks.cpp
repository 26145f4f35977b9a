// What `bench step` says of its steps. Run under mpirun with 1 and 2 ranks.
#include <gtest/gtest.h>

#include <cstdlib>

#include "lib/base/profile.h"
#include "lib/programs/bench_train.h"

namespace precis {

World* world = nullptr;  // made in main: MPI lives as long as the process

namespace {

using Json = nlohmann::ordered_json;

BenchSettings small_settings() {
  BenchSettings settings;
  settings.model.n_layer = settings.model.n_head = 2;
  settings.model.n_embd = 128;
  settings.vocab_size = 500;
  settings.samples = 12;
  settings.mean_tokens = 120;
  settings.target_tokens = 20;
  settings.micro_batch_tokens = 400;
  settings.device = "cpu";
  return settings;
}

Json small_step(const BenchSettings& settings) {
  Log log(false);
  RunConfig config;
  config.run.device = settings.device;
  return bench_step(*world, set_up_device(*world, config, log), settings);
}

TEST(BenchStep, PartsAreAllThereAndMakeUpTheStep) {
  const Json step = small_step(small_settings());
  const double whole = step["fastest_ms"];
  double sum = 0;
  for (size_t i = 0; i < kNumParts; ++i) {
    const auto part = static_cast<Part>(i);
    const double ms = step["parts"][name_of(part)]["ms"];
    const bool between_ranks = part == Part::kCommunication || part == Part::kWaiting;
    if (between_ranks && world->size() == 1)
      EXPECT_EQ(ms, 0) << name_of(part);
    else
      EXPECT_GT(ms, 0) << name_of(part);
    EXPECT_NEAR(step["parts"][name_of(part)]["share"], ms / whole, 1e-3) << name_of(part);
    sum += ms;
  }
  EXPECT_EQ(step["parts"].size(), kNumParts + 1);
  const double other = step["parts"]["other"]["ms"];
  EXPECT_GE(other, 0);
  EXPECT_LT(other, 0.25 * whole);
  EXPECT_NEAR(sum + other, whole, 0.1);
  EXPECT_LE(whole, step["step_ms"].get<double>() + 0.01);
  EXPECT_EQ(step["communication_cpu_ms"] > 0, world->size() > 1);
}

TEST(BenchStep, SaysHowNearItComesToTheRateOfItsProducts) {
  const Json step = small_step(small_settings());
  const double reached = step["gflop_per_s"], rate = step["products_gflop_per_s"];
  EXPECT_GT(reached, 0);
  EXPECT_GT(rate, reached);
  EXPECT_NEAR(step["share_of_products"], reached / rate, 0.02);
  EXPECT_GE(step["others_cpu_share"], 0);
  EXPECT_EQ(step["quiet"], step["others_cpu_share"] < 0.02);
}

TEST(BenchStep, CountingRunsNothing) {
  BenchSettings settings = small_settings();
  settings.count = true;
  const Json step = small_step(settings);
  EXPECT_FALSE(step.contains("parts"));
  EXPECT_FALSE(step.contains("step_ms"));
  EXPECT_TRUE(step.contains("operations"));
}

TEST(BenchStep, HereAreTheRanksThatWereStarted) {
  ASSERT_NE(std::getenv("PRECIS_TEST_RANKS"), nullptr);
  EXPECT_EQ(world->size(), std::atoi(std::getenv("PRECIS_TEST_RANKS")));
}

}  // namespace
}  // namespace precis

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  precis::World world;
  precis::world = &world;
  return RUN_ALL_TESTS();
}
