#include "lib/base/share_blocks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace precis {
namespace {

TEST(ShareBlocks, DoesEachItemOnce) {
  for (const size_t num_items : {0, 1, 7, 8, 9, 100})
    for (const int num_threads : {0, 1, 2, 5, 200}) {
      std::vector<std::atomic<int>> done(num_items);
      std::atomic<size_t> largest = 0;
      share_blocks(num_items, 8, num_threads, [&](size_t first, size_t last) {
        ASSERT_LT(first, last);
        if (last - first > largest) largest = last - first;
        for (size_t i = first; i < last; ++i) ++done[i];
      });
      for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
      EXPECT_LE(largest, 8U);
    }
}

TEST(ShareBlocks, ThrowsAgainWhatWasThrownAndTakesNoMore) {
  std::atomic<int> num_calls = 0;
  const auto fail = [&](size_t first, size_t) {
    ++num_calls;
    if (first == 3) throw std::runtime_error("the fourth");
  };
  EXPECT_THROW(share_blocks(1000, 1, 1, fail), std::runtime_error);
  EXPECT_EQ(num_calls, 4);
  EXPECT_THROW(share_blocks(1000, 1, 3, fail), std::runtime_error);
}

}  // namespace
}  // namespace precis
