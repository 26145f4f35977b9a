#include "lib/base/share_blocks.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace precis {

void share_blocks(size_t num_items, size_t block, int num_threads,
                  const std::function<void(size_t first, size_t last)>& work) {
  const size_t num_blocks = (num_items + block - 1) / block;
  const auto num_workers =
      std::clamp<size_t>(num_blocks, 1, static_cast<size_t>(std::max(1, num_threads)));
  std::atomic<size_t> next_block = 0;
  std::vector<std::exception_ptr> failures(num_workers);
  const auto take_blocks = [&](size_t worker) noexcept {
    try {
      for (size_t i; (i = next_block++) < num_blocks;)
        work(i * block, std::min(num_items, (i + 1) * block));
    } catch (...) {
      failures[worker] = std::current_exception();
      next_block = num_blocks;
    }
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(num_workers - 1);
    try {
      for (size_t worker = 1; worker < num_workers; ++worker)
        threads.emplace_back(take_blocks, worker);
    } catch (const std::system_error&) {  // no more threads are allowed: those there are will do
    }
    take_blocks(0);
  }
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace precis
