// Training on devices with too little memory. Run under mpirun with 1, 2 and 3 ranks: the last rank
// alone runs out of it.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "lib/base/files.h"
#include "lib/checkpoint/model_file.h"
#include "lib/report/json_lines.h"
#include "lib/run/trainer.h"
#include "lib/train/train_step.h"
#include "tests/formats/made_files.h"
#include "tests/support/tight_bigram.h"

namespace precis {

World* world = nullptr;  // made in main: MPI lives as long as the process

namespace {

namespace fs = std::filesystem;
using testing::expect_words;
using testing::Room;
using testing::TemporaryFolder;
using testing::TightBigramFamily;

constexpr int64_t kIterations = 6;
constexpr int64_t kPlanned = 1200;  // tokens of a micro-batch
constexpr int64_t kRoom = 700;      // more than a sample has, fewer than are planned

/// A folder that all ranks know; the root's.
struct SharedFolder {
  SharedFolder() = default;
  ~SharedFolder() { world->barrier(); }

  TemporaryFolder own;
  fs::path path = world->broadcast(own.path().string());
};

/// Training alone, of a bigram table over the dialogues that ship with Precis.
struct TableRun {
  explicit TableRun(const fs::path& out) {
    config.families = {&family};
    config.model.family = "bigram";
    config.run.out_dir.value = out.string();
    config.run.device = "cpu";
    config.run.stages = {"train"};
    config.data.train_csv.value = "configs/quickstart/validation.csv";
    config.data.validation_csv.value = "configs/quickstart/validation.csv";
    config.data.block_size = 256;
    config.tokenizer.dir.value = "configs/quickstart/vocabulary";
    config.train.max_iters = kIterations;
    config.train.decay_lr = false;
    config.train.learning_rate = 0.05;
    config.train.global_batch_size = 24;
    config.train.micro_batch_tokens.count = kPlanned;
    config.eval.interval = 1000;
    config.eval.rouge_examples = 0;
    config.comm.bucket_megabytes = 1;  // several of them
    config.comm.timeout_seconds = 60;
    config.report.log_interval = 1;
    config.report.tensorboard = config.report.html = false;
  }
  void train() { ASSERT_EQ(run_trainer(*world, config), ExitCode::kDone); }

  fs::path out() const { return config.run.out_dir.value; }
  ModelFile last() const { return read_checkpoint(out() / "last.pt", {&family}); }
  std::vector<int64_t> sizes() const {
    std::vector<int64_t> found;
    for (const Record& record : read_json_lines(out() / "metrics.jsonl"))
      if (is_kind(record, "train")) found.push_back(record["micro_batch_tokens"]);
    return found;
  }

  Room room;
  TightBigramFamily family{room};
  RunConfig config;
};

/// How often all ranks together ran out.
int64_t shortages(const Room& room) {
  double all[] = {static_cast<double>(room.shortages)};
  world->sum(all);
  return static_cast<int64_t>(all[0]);
}

bool is_last_rank() {
  return world->rank() == world->size() - 1;
}

/// The run with this little memory, and one that was planned for what it then took.
void expect_the_smaller_plan(bool in_backward) {
  const SharedFolder folder;
  TableRun tight(folder.path / "tight");
  if (is_last_rank()) tight.room.tokens = kRoom;
  tight.room.in_backward = in_backward;
  tight.train();
  ASSERT_GE(shortages(tight.room), 1);
  const std::vector<int64_t> sizes = tight.sizes();
  ASSERT_EQ(sizes.size(), static_cast<size_t>(kIterations));
  EXPECT_LT(sizes[0], kPlanned);
  EXPECT_EQ(std::ranges::count(sizes, sizes[0]), kIterations);
  EXPECT_EQ(tight.last().progress.micro_batch_tokens, sizes[0]);

  TableRun planned(folder.path / "planned");
  planned.config.train.micro_batch_tokens.count = sizes[0];
  planned.train();
  EXPECT_TRUE(tight.last().flat.equal(planned.last().flat));
  EXPECT_TRUE(tight.last().optimizer->exp_avg_sq.equal(planned.last().optimizer->exp_avg_sq));
  EXPECT_EQ(tight.last().progress.optimizer_steps, kIterations);
}

TEST(OutOfMemory, TheRunIsThatOfASmallerPlan) {
  expect_the_smaller_plan(/*in_backward=*/false);
}

TEST(OutOfMemory, InTheMiddleOfASum) {
  expect_the_smaller_plan(/*in_backward=*/true);
}

TEST(OutOfMemory, InTheMiddleOfTheRun) {
  const SharedFolder folder;
  TableRun tight(folder.path / "tight"), planned(folder.path / "planned");
  tight.room.roomy_steps = 3;
  if (is_last_rank()) tight.room.tokens = kRoom;
  tight.train();
  planned.train();
  ASSERT_GE(shortages(tight.room), 1);
  const std::vector<int64_t> sizes = tight.sizes();
  ASSERT_EQ(sizes.size(), static_cast<size_t>(kIterations));
  EXPECT_EQ(std::ranges::count(sizes, kPlanned), 3);
  EXPECT_LT(sizes[3], kPlanned);
  EXPECT_EQ(sizes[5], sizes[3]);
  EXPECT_EQ(tight.room.models, planned.room.models + 1) << "the first one holds memory";
  EXPECT_FALSE(tight.last().flat.equal(planned.last().flat)) << "sums in another order";
  EXPECT_TRUE(at::allclose(tight.last().flat, planned.last().flat, 1e-3, 1e-4));
  if (!world->is_root()) return;
  const std::string log = read_file(tight.out() / "train.log");
  const std::string line = "not enough memory for micro-batches of 1200 tokens: going on with ";
  EXPECT_NE(log.find(line + std::to_string(sizes[3])), std::string::npos) << log;
  EXPECT_EQ(log.find("not enough memory", log.find(line) + 1), std::string::npos) << log;
}

TEST(OutOfMemory, ASampleThatDoesNotFitAloneEndsTheRunAfterACheckpoint) {
  const SharedFolder folder;
  TableRun tight(folder.path / "tight"), shorter(folder.path / "shorter");
  tight.room.roomy_steps = 2;
  if (is_last_rank()) tight.room.tokens = 20;
  try {
    run_trainer(*world, tight.config);
    FAIL() << "it went on";
  } catch (const SharedError& error) {
    EXPECT_EQ(error.code(), ExitCode::kDevice);
    expect_words(error.what(), {"a sample of", "tokens", "does not fit", "data.block_size",
                                "smaller model", "train.dtype", "last.pt", "2 iterations"});
  }
  const ModelFile last = tight.last();
  EXPECT_EQ(last.progress.iter, 2);
  EXPECT_FALSE(last.progress.finished);
  EXPECT_EQ(last.progress.micro_batch_tokens, 0) << "planned anew by whoever goes on";
  shorter.config.train.max_iters = 2;
  shorter.train();
  EXPECT_TRUE(last.flat.equal(shorter.last().flat));
}

/// The sums of others, which come out a little unlike on each rank, as on GPUs of two kinds.
class UnlikeCollectives : public Collectives {
 public:
  explicit UnlikeCollectives(std::unique_ptr<Collectives> real) : real_(std::move(real)) {}
  std::string name() const override { return real_->name(); }
  at::Tensor allocate(int64_t numel, at::Device device) override {
    return gradient_ = real_->allocate(numel, device);
  }
  void start_all_reduce(const at::Tensor& part) override { real_->start_all_reduce(part); }
  void wait() override {
    real_->wait();
    world->barrier();  // the memory may be shared
    gradient_.mul_(1 + 1e-3 * world->rank());
    norm_ = gradient_.norm().item<double>();
  }
  /// Of what this rank's sums came to; the optimizer scales the gradient itself.
  double norm() const { return norm_; }

 private:
  std::unique_ptr<Collectives> real_;
  at::Tensor gradient_;
  double norm_ = 0;
};

TEST(TrainStep, AllRanksClipByTheNormOfTheRoot) {
  testing::BigramShape shape;
  shape.block_size = shape.vocab_size = 8;
  const ParameterTable table = shape.parameters();
  UnlikeCollectives collectives(
      make_collectives(world->size() > 1 ? "mpi" : "local", *world, at::kCPU));
  FlatParameters parameters(table, initial_parameters(table, 1), at::kFloat, at::kCPU, collectives);
  TrainConfig config;
  AdamW optimizer(parameters, config);
  LossScaler scaler(false);
  const auto model = shape.make_model(table, at::kCPU);
  TrainStep step({*model, parameters, optimizer, scaler, collectives, *world}, 0.1, 16);
  const std::vector<int32_t> tokens{1, 2, 3, 4};
  const std::vector<RaggedSample> rows{{tokens, 1, 7}};
  const std::vector<RaggedBatch> batches{make_ragged_batch(rows, true)};
  const StepResult result =
      step.run(batches, {{.target_tokens = 3 * world->size()}, 1e-2, 0, false});
  const auto of_all = [](double mine) {
    std::vector<double> all;
    for (const std::string& theirs : world->all_gather(fmt::format("{}", mine)))
      all.push_back(std::stod(theirs));
    return all;
  };
  const std::vector<double> norms = of_all(result.grad_norm), own = of_all(collectives.norm());
  EXPECT_NEAR(norms[0], own[0], 1e-5 * own[0]);
  for (size_t rank = 1; rank < norms.size(); ++rank) {
    EXPECT_EQ(norms[rank], norms[0]);
    EXPECT_GT(own[rank], own[0] * 1.0005) << "else nothing is shown";
  }
}

TEST(OutOfMemory, HereAreTheRanksThatWereStarted) {
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
