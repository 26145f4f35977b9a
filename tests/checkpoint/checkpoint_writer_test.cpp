// Saves beside training: what is on the disk afterwards, what a failure does, and how much memory
// it takes.
#include "lib/checkpoint/checkpoint_writer.h"

#include <ATen/ATen.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "lib/tensor/arrays.h"
#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::error_of;
using testing::expect_words;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

/// A state after `iter` steps with tensors all of whose elements are `iter`.
CheckpointWriter::State state_of(int64_t iter, const std::vector<at::Tensor>& tensors) {
  for (const at::Tensor& tensor : tensors) at::Tensor(tensor).fill_(iter);
  return {iter, tensors, [iter](std::span<const at::Tensor> copies) {
            Value value = Value::dict();
            value.set("iter_num", iter);
            for (size_t i = 0; i < copies.size(); ++i)
              value.set(std::to_string(i), to_array(copies[i]));
            return value;
          }};
}

CheckpointWriter::State state_of(int64_t iter) {
  return state_of(iter, {at::empty({5})});
}

/// The iteration that a file is of, by what it says and by its tensor.
int64_t iteration_in(const fs::path& path) {
  const Value value = read_pt(path);
  const int64_t iter = value.find("iter_num")->integer().value();
  const at::Tensor tensor = to_tensor(*value.find("0")->get_if<ArrayView>());
  EXPECT_TRUE(at::equal(tensor, at::full_like(tensor, static_cast<double>(iter)))) << path;
  return iter;
}

/// A line of /proc/self/status, in MB.
double memory(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ":"))
      return static_cast<double>(std::stoll(line.substr(name.size() + 1))) / 1024;
  return 0;
}

class Writer : public ::testing::Test {
 protected:
  Writer()
      : checkpoints_(folder_.path()), writer_(std::make_unique<CheckpointWriter>(checkpoints_)) {}

  /// Nothing can be written where a folder stands.
  void block(const fs::path& path) { fs::create_directory(path); }
  void unblock(const fs::path& path) { fs::remove(path); }

  TemporaryFolder folder_;
  CheckpointFolder checkpoints_;
  std::unique_ptr<CheckpointWriter> writer_;
};

TEST_F(Writer, WritesWhatTheTensorsWereWhenItWasCalled) {
  const at::Tensor tensor = at::empty({1 << 20});
  for (const int64_t iter : {1, 2, 3}) {
    if (iter != 2) writer_->save_best(state_of(iter, {tensor}));
    writer_->save_last(state_of(iter, {tensor}), 2);
    tensor.fill_(-1);  // as the next step would
  }
  writer_->finish();
  EXPECT_EQ(iteration_in(checkpoints_.best()), 3);
  EXPECT_EQ(iteration_in(checkpoints_.last()), 3);
  EXPECT_EQ(iteration_in(checkpoints_.numbered(2)), 2);
  EXPECT_EQ(checkpoints_.checkpoints().size(), 4U);
  EXPECT_TRUE(writer_->take_failures().empty());
  writer_->save_last(state_of(4), 0);  // and may be used again after finish()
  writer_->finish();
  EXPECT_EQ(iteration_in(checkpoints_.last()), 4);
}

TEST_F(Writer, BothFilesOfAnIterationShareOneCopyAndTheirOrderStays) {
  std::promise<void> go;
  std::vector<std::pair<std::string, const void*>> written;  // by the writer's thread
  const auto content = [&](const std::string& name, std::shared_future<void> wait) {
    return [&written, name, wait](std::span<const at::Tensor> copies) {
      if (wait.valid()) wait.wait();
      written.emplace_back(name, copies[0].const_data_ptr());
      return Value::dict();
    };
  };
  const at::Tensor tensor = at::zeros({5});
  writer_->save_best({7, {tensor}, content("best", go.get_future().share())});
  writer_->save_last({7, {tensor}, content("last", {})}, 0);  // comes back while the best waits
  EXPECT_TRUE(written.empty());
  go.set_value();
  writer_->save_last({8, {tensor}, content("next", {})}, 0);
  writer_->finish();
  ASSERT_EQ(written.size(), 3U);
  EXPECT_EQ(written[0].first, "best");
  EXPECT_EQ(written[1].first, "last");
  EXPECT_EQ(written[2].first, "next");
  for (const auto& [name, memory] : written) EXPECT_EQ(memory, written[0].second) << name;
}

TEST_F(Writer, AFailureIsToldAtTheNextCallAndLaterSavesAreTried) {
  block(checkpoints_.last());
  writer_->save_last(state_of(1), 0);
  writer_->save_last(state_of(2), 0);  // waits for the first
  const std::vector<std::string> told = writer_->take_failures();
  ASSERT_GE(told.size(), 1U);
  expect_words(told[0], {checkpoints_.last().string()});
  unblock(checkpoints_.last());
  writer_->save_last(state_of(3), 0);
  writer_->take_failures();
  writer_->finish();  // all is well by now: nothing is thrown
  EXPECT_EQ(iteration_in(checkpoints_.last()), 3);
  EXPECT_TRUE(writer_->take_failures().empty()) << "each is told once";
}

TEST_F(Writer, ABestThatFailedIsTriedOnceMoreBeforeItsCopyIsGivenUp) {
  block(checkpoints_.best());
  writer_->save_best(state_of(1));
  writer_->save_last(state_of(1), 0);
  while (writer_->take_failures().empty()) std::this_thread::yield();
  unblock(checkpoints_.best());
  writer_->save_last(state_of(2), 0);
  writer_->finish();
  EXPECT_EQ(iteration_in(checkpoints_.best()), 1);
  EXPECT_EQ(iteration_in(checkpoints_.last()), 2);
}

TEST_F(Writer, FinishTriesAgainAndThrowsWhereTheLastSaveOfAFileFailed) {
  block(checkpoints_.last());
  writer_->save_last(state_of(1), 0);
  while (writer_->take_failures().empty()) std::this_thread::yield();
  unblock(checkpoints_.last());
  writer_->finish();
  EXPECT_EQ(iteration_in(checkpoints_.last()), 1);

  block(checkpoints_.best());
  writer_->save_best(state_of(2));  // an older best would be evaluated without a word
  writer_->save_last(state_of(3), 0);
  expect_words(error_of([&] { writer_->finish(); }), {checkpoints_.best().string()});
  EXPECT_TRUE(writer_->take_failures().empty()) << "what was thrown is not told twice";
  EXPECT_EQ(iteration_in(checkpoints_.last()), 3);
}

TEST_F(Writer, AFailedSaveIsTriedAgainWhileNothingElseIsSaved) {
  writer_ =
      std::make_unique<CheckpointWriter>(checkpoints_, nullptr, std::chrono::milliseconds(20));
  block(checkpoints_.last());
  writer_->save_last(state_of(1), 0);
  while (writer_->take_failures().empty()) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(writer_->take_failures().empty()) << "told once";
  unblock(checkpoints_.last());
  std::vector<std::string> repaired;
  for (int i = 0; i < 500 && repaired.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    repaired = writer_->take_repairs();
  }
  EXPECT_EQ(repaired, std::vector<std::string>{"last.pt"});
  EXPECT_EQ(iteration_in(checkpoints_.last()), 1);
}

TEST_F(Writer, FinishWaitsForADiskThatComesBack) {
  block(checkpoints_.last());
  writer_->save_last(state_of(1), 0);
  std::thread mender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    unblock(checkpoints_.last());
  });
  writer_->finish(std::chrono::seconds(60));
  mender.join();
  EXPECT_EQ(iteration_in(checkpoints_.last()), 1);
}

TEST_F(Writer, WhateverTheContentThrowsIsAFailedSave) {
  writer_->save_last({1, {at::ones({2})}, [](auto) -> Value { throw std::runtime_error("no"); }},
                     0);
  expect_words(error_of([&] { writer_->finish(); }), {checkpoints_.last().string(), "no"});
}

TEST_F(Writer, TheDestructorWaitsUntilWhatWasBegunIsWritten) {
  CheckpointWriter::State slow = state_of(1);
  slow.content = [inner = slow.content](std::span<const at::Tensor> copies) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return inner(copies);
  };
  writer_->save_best(slow);
  writer_->save_last(state_of(1), 0);
  writer_.reset();
  EXPECT_EQ(iteration_in(checkpoints_.best()), 1);
  EXPECT_EQ(iteration_in(checkpoints_.last()), 1);
}

TEST_F(Writer, WithoutMemoryForACopyTheCallerWaits) {
  constexpr int64_t kNumel = int64_t{16} << 20;  // 64 MB
  const at::Tensor tensor = at::empty({kNumel});
  const CheckpointWriter::State state = state_of(3, {tensor});
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  struct rlimit limited = before;
  limited.rlim_cur = static_cast<rlim_t>((memory("VmSize") + 32) * 1024 * 1024);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limited), 0);
  writer_->save_last(state, 0);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  tensor.fill_(-1);  // as the next step would
  EXPECT_TRUE(writer_->take_failures().empty());
  EXPECT_EQ(iteration_in(checkpoints_.last()), 3);
  writer_->save_last(state_of(4, {tensor}), 0);
  writer_->finish();
  EXPECT_EQ(iteration_in(checkpoints_.last()), 4);
}

TEST_F(Writer, TwentySavesTakeTheMemoryOfOne) {
  std::vector<at::Tensor> tensors;  // weights and two moments
  // Larger than what other tests freed: malloc maps them anew and gives them back to the system.
  for (int i = 0; i < 3; ++i) tensors.push_back(at::ones({2 << 20}));
  constexpr double kSnapshot = 3 * 8;  // MB
  const double before = memory("VmRSS");
  double early = 0, most = 0;
  ASSERT_GT(before, 0);
  for (int64_t iter = 1; iter <= 20; ++iter) {
    if (iter % 5 == 0) writer_->save_best(state_of(iter, tensors));
    writer_->save_last(state_of(iter, tensors), 1);
    if (iter == 3) early = memory("VmRSS");
    most = std::max(most, memory("VmRSS"));
  }
  EXPECT_GT(early - before, 0.9 * kSnapshot) << "a copy was taken";
  EXPECT_LT(most - early, 0.3 * kSnapshot);
  writer_->finish();
  EXPECT_LT(memory("VmRSS") - before, 0.5 * kSnapshot) << "and is let go in the end";
  EXPECT_EQ(iteration_in(checkpoints_.last()), 20);
}

}  // namespace
}  // namespace precis
