// The main of tests that run a second time with all operations on the device's side: our kernels
// for GPUs on the CPU.
#include <gtest/gtest.h>

#include "lib/ops/route.h"
#include "tests/support/executor.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const precis::testing::Executor executor;
  const precis::ops::RouteGuard guard(precis::ops::Route::kDevice);
  return RUN_ALL_TESTS();
}
