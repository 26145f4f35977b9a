#include "lib/tools/line_blocks.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace precis {
namespace {

/// One descriptor feeds no more than that.
constexpr int kMostThreads = 16;

/// Each thread takes a block and with it a turn, works, and writes when it is its turn.
class LineBlocks {
 public:
  LineBlocks(InputStream& input, OutputStream& output, const LineWork& work)
      : input_(input), output_(output), work_(work) {}

  /// Until no more is to be done.
  void take_turns() noexcept {
    LineBlock block;
    std::string out;
    for (bool more = true; more;) {
      out.clear();
      int64_t turn = 0;
      std::exception_ptr failure;
      try {
        more = take(block, turn);
        if (more) work_(block, out);
      } catch (...) {
        failure = std::current_exception();
      }
      more = put_out(turn, out, failure) && more;
    }
  }

  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  bool take(LineBlock& block, int64_t& turn) {
    const std::lock_guard lock(input_mutex_);
    turn = num_taken_++;
    if (has_failed()) return false;
    return input_.next(block, [&] {
      std::unique_lock output_lock(output_mutex_);
      wait_for(turn, output_lock);
      return failure_ == nullptr;
    });
  }

  /// False: this was in vain, and so would be all that follows.
  bool put_out(int64_t turn, const std::string& out, std::exception_ptr failure) {
    std::unique_lock lock(output_mutex_);
    wait_for(turn, lock);
    if (!failure_) {
      try {
        output_.write(out);
      } catch (...) {
        failure = std::current_exception();
      }
      failure_ = failure;
    }
    ++num_done_;
    done_.notify_all();
    return failure_ == nullptr;
  }

  void wait_for(int64_t turn, std::unique_lock<std::mutex>& lock) {
    done_.wait(lock, [&] { return num_done_ == turn; });
  }

  bool has_failed() {
    const std::lock_guard lock(output_mutex_);
    return failure_ != nullptr;
  }

  InputStream& input_;
  OutputStream& output_;
  const LineWork& work_;
  std::mutex input_mutex_;
  int64_t num_taken_ = 0;    // turns
  std::mutex output_mutex_;  // is never held while waiting for input_mutex_
  std::condition_variable done_;
  int64_t num_done_ = 0;        // turns, too
  std::exception_ptr failure_;  // the first one in the order of lines
};

}  // namespace

void work_on_lines(InputStream& input, OutputStream& output, int num_threads,
                   const LineWork& work) {
  LineBlocks blocks(input, output, work);
  {
    std::vector<std::jthread> threads;
    try {
      for (int i = 1; i < std::min(num_threads, kMostThreads); ++i)
        threads.emplace_back(&LineBlocks::take_turns, &blocks);
    } catch (const std::system_error&) {  // no more threads are allowed: those there are will do
    }
    blocks.take_turns();
  }
  blocks.rethrow_failure();
}

}  // namespace precis
