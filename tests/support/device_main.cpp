// The main of tests that run again with all operations on another route than the CPU's: our kernels
// for GPUs on the CPU, or, where PRECIS_TEST_ROUTE says composed, ATen's operators one by one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "lib/ops/route.h"
#include "tests/support/executor.h"

int main(int argc, char** argv) {
  using precis::ops::Route;
  testing::InitGoogleTest(&argc, argv);
  const char* asked = std::getenv("PRECIS_TEST_ROUTE");
  const bool composed = asked != nullptr && std::string_view(asked) == "composed";
  const precis::testing::Executor executor;
  const precis::ops::RouteGuard guard(composed ? Route::kComposed : Route::kDevice);
  const int code = RUN_ALL_TESTS();
  return code != 0 ? code : composed == (executor.launches() == 0) ? 0 : 1;
}
