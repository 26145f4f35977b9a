#include "lib/text/encode_all.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

namespace precis {

namespace {

/// Texts that a thread takes at a time: few, so that all end together, yet enough for taking them
/// to cost nothing.
constexpr size_t kBlock = 32;

}  // namespace

std::vector<std::vector<int32_t>> encode_all(const BpeTokenizer& tokenizer,
                                             std::span<const std::string> texts, int num_threads) {
  std::vector<std::vector<int32_t>> ids(texts.size());
  const size_t num_blocks = (texts.size() + kBlock - 1) / kBlock;
  const size_t num_workers = std::clamp<size_t>(num_blocks, 1, static_cast<size_t>(num_threads));
  std::atomic<size_t> next_block = 0;
  std::vector<std::exception_ptr> failures(num_workers);
  const auto work = [&](size_t worker) noexcept {
    try {
      for (size_t block; (block = next_block++) < num_blocks;) {
        const size_t first = block * kBlock;
        const size_t size = std::min(kBlock, texts.size() - first);
        tokenizer.encode_each(texts.subspan(first, size), std::span(ids).subspan(first, size));
      }
    } catch (...) {
      failures[worker] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (size_t worker = 1; worker < num_workers; ++worker) threads.emplace_back(work, worker);
    work(0);
  }
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return ids;
}

}  // namespace precis
