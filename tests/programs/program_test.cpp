// One test, as MPI starts once a process.
#include "lib/programs/program.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <exception>
#include <string>

#include "lib/comm/torch_failure.h"

namespace precis {
namespace {

/// What the failure of some work is called.
template <typename Work>
Failure failure_of(const Work& work) {
  try {
    work();
  } catch (...) {
    return describe_torch_failure(std::current_exception());
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

[[noreturn]] void fill_gpu() {
  throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__},
                              "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total "
                              "capacity of 14.56 GiB of which 1.21 GiB is free.");
}

TEST(WithWorld, MemoryThatRunsOutIsToldWithAWayOut) {
  // The words of LibTorch's own allocator: more than any address space.
  const Failure host = failure_of([] { at::empty({int64_t{1} << 52}, at::kByte); });
  EXPECT_EQ(host.code, 1);
  EXPECT_EQ(host.message.find("there is not enough memory; use smaller batches"), 0u)
      << host.message;

  const Failure unnamed = failure_of([] {
    throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, "words of another version");
  });
  EXPECT_EQ(unnamed.code, 4);
  EXPECT_EQ(unnamed.message.find("there is not enough memory on the GPU: set"), 0u);

  testing::internal::CaptureStderr();
  const int code = with_world("trainer", [](World& world) -> ExitCode {
    std::string shared;
    try {
      world.together(fill_gpu);
    } catch (const SharedError& error) {
      EXPECT_EQ(error.code(), ExitCode::kDevice);
      shared = error.what();
    }
    EXPECT_EQ(shared, failure_of(fill_gpu).message);
    fill_gpu();
  });
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(code, 4);
  EXPECT_EQ(said.find("trainer: there is not enough memory on GPU 0 (14.56 GiB in all) for 2.00 "
                      "GiB more: set train.micro_batch_tokens"),
            0u)
      << said;
  EXPECT_EQ(said.find("internal"), said.npos);
  EXPECT_EQ(said.find('\n'), said.size() - 1);
}

}  // namespace
}  // namespace precis
