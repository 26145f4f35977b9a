#include "lib/base/failure.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include "lib/base/errors.h"

namespace precis {
namespace {

template <typename Thrown>
Failure failure_of(const Thrown& thrown) {
  return describe_failure(std::make_exception_ptr(thrown));
}

TEST(DescribeFailure, ErrorsKeepCodeAndWords) {
  EXPECT_EQ(failure_of(ConfigError("x.yaml:2: no")).code, 2);
  EXPECT_EQ(failure_of(DataError("a.csv: no")).code, 3);
  EXPECT_EQ(failure_of(DeviceError("no GPU")).code, 4);
  EXPECT_EQ(failure_of(Error(ExitCode::kStopped, "stopped")).code, 75);
  EXPECT_EQ(failure_of(DataError("a.csv: no")).message, "a.csv: no");
}

TEST(DescribeFailure, SystemErrorsBecomeSentences) {
  namespace fs = std::filesystem;
  const Failure file = failure_of(fs::filesystem_error(
      "cannot open", "/a/b", std::make_error_code(std::errc::permission_denied)));
  EXPECT_EQ(file.code, 1);
  EXPECT_EQ(file.message, "/a/b: Permission denied");
  const Failure thread = failure_of(
      std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again)));
  EXPECT_EQ(thread.message, "the system refused a request: Resource temporarily unavailable");
  EXPECT_NE(failure_of(std::bad_alloc()).message.find("not enough memory"), std::string::npos);
}

TEST(DescribeFailure, OtherLibrariesAreNotNamed) {
  for (const char* what :
       {"[json.exception.type_error.302] type must be string", "yaml-cpp: error at line 1",
        "std::get: wrong index for variant", "basic_string::_M_replace", "vector::_M_range_check",
        "stoi", "bad_variant_access", ""}) {
    const Failure failure = failure_of(std::runtime_error(what));
    EXPECT_EQ(failure.code, 1);
    EXPECT_EQ(failure.message, "internal error; please report it with the command line") << what;
  }
  EXPECT_EQ(
      failure_of(std::runtime_error("sizes 3 and 4 do not match\nException raised from f at g.cpp"))
          .message,
      "internal error: sizes 3 and 4 do not match; please report it with the command line");
  EXPECT_EQ(failure_of(5).message, "internal error; please report it with the command line");
}

TEST(DescribeFailure, MemoryThatRunsOutIsNoDefect) {
  // The words of LibTorch's allocators (c10/core/impl/alloc_cpu.cpp,
  // c10/cuda/CUDACachingAllocator.cpp).
  const Failure host = failure_of(std::runtime_error(
      "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory: "
      "you tried to allocate 4503599627370496 bytes. Error code 12 (Cannot allocate memory)"));
  EXPECT_EQ(host.code, 1);
  EXPECT_EQ(host.message, failure_of(std::bad_alloc()).message);

  const Failure gpu = failure_of(std::runtime_error(
      "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 1 has a total capacity of 14.56 GiB of "
      "which 12.94 MiB is free. Process 7 has 14.54 GiB memory in use.\nException raised from "
      "..."));
  EXPECT_EQ(gpu.code, 4);
  for (const char* words : {"not enough memory on GPU 1 (14.56 GiB in all) for 20.00 MiB more",
                            "train.micro_batch_tokens", "smaller model"})
    EXPECT_NE(gpu.message.find(words), std::string::npos) << gpu.message;

  for (const char* what : {"CUDA error: out of memory\nCUDA kernel errors might be ...",
                           "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(h)`",
                           "CUDA out of memory. Tried to allocate more than 1EB memory."}) {
    const Failure failure = failure_of(std::runtime_error(what));
    EXPECT_EQ(failure.code, 4) << what;
    EXPECT_EQ(failure.message.find("there is not enough memory on the GPU: set"), 0u)
        << failure.message;
  }
}

}  // namespace
}  // namespace precis
