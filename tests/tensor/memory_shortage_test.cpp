#include "lib/tensor/memory_shortage.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <new>
#include <stdexcept>
#include <vector>

#include "lib/base/errors.h"

namespace precis {
namespace {

TEST(MemoryShortage, IsToldByItsTypeOrByItsWords) {
  const auto is = [](const auto& error) {
    return is_out_of_memory(std::make_exception_ptr(error));
  };
  const c10::SourceLocation here{__func__, __FILE__, static_cast<uint32_t>(__LINE__)};
  EXPECT_TRUE(is(c10::OutOfMemoryError(here, "anything")));
  EXPECT_TRUE(is(c10::Error(here, "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling")));
  EXPECT_TRUE(is(c10::Error(here, "CUDA error: out of memory")));
  EXPECT_TRUE(is(c10::Error(here, "DefaultCPUAllocator: can't allocate memory: you tried")));
  EXPECT_TRUE(is(std::bad_alloc()));
  EXPECT_FALSE(is(c10::Error(here, "CUDA error: an illegal memory access was encountered")));
  EXPECT_FALSE(is(DeviceError("another rank died")));
  EXPECT_FALSE(is(std::runtime_error("out of luck")));
}

/// This process's address space ends this much behind what it has.
class Limit {
 public:
  explicit Limit(rlim_t bytes) {
    ::getrlimit(RLIMIT_AS, &before_);
    struct rlimit limited = before_;
    limited.rlim_cur = bytes;
    ::setrlimit(RLIMIT_AS, &limited);
  }
  ~Limit() { ::setrlimit(RLIMIT_AS, &before_); }

 private:
  struct rlimit before_ {};
};

TEST(MemoryShortage, IsWhatALimitOfTheMachineCauses) {
  constexpr int64_t kMuch = int64_t{1} << 40;
  at::empty({1});  // the library is all there
  const Limit limit(rlim_t{64} << 30);
  EXPECT_TRUE(lacks_memory([] { at::empty({kMuch}); }));
  EXPECT_TRUE(lacks_memory([] { std::vector<char> much(kMuch); }));
  EXPECT_FALSE(lacks_memory([] { at::empty({16}); }));
  EXPECT_THROW(lacks_memory([] { throw std::runtime_error("something else"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace precis
