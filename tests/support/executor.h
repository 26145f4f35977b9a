// Runs the kernels of a GPU on the CPU, one block after another: a block's threads are fibers that
// stop where they wait for others, and go on in an order that a test chooses. What a kernel must
// not do ends in an error: a read or write outside its arrays (device.cuh), threads that wait for
// others that never come, a shuffle with a lane that has left, more shared memory than a block
// has. Shared memory begins as NaN.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "lib/ops/launch.cuh"

namespace precis::testing {

/// In which order the threads of a block take turns: all warps side by side; the last warp as far
/// ahead of the others as it can get, then the one before it; or by chance.
enum class ThreadOrder { kForward, kBackward, kShuffled };

/// Threads that wait for each other. One block at a time.
class Fibers {
 public:
  /// Runs work(thread) for each thread. Throws what one of them throws, or std::logic_error where
  /// they wait for each other in vain.
  void run(int threads, ThreadOrder order, const std::function<void(int)>& work);

  /// Called by a thread: waits for all threads of the block, or of its warp, that have not ended.
  void wait_for_block();
  void wait_for_warp();
  int thread() const { return current_; }
  /// What a thread has put up for those of its warp to see.
  float& slot(int thread) { return slots_.at(static_cast<size_t>(thread)); }
  /// Whether a thread has not ended.
  bool is_alive(int thread) const;

 private:
  enum class State { kReady, kAtBlock, kAtWarp, kEnded };
  struct Fiber {
    ucontext_t context{};
    std::vector<std::byte> stack;
    State state = State::kReady;
    void* fake_stack = nullptr;  // AddressSanitizer's
  };
  static void enter(uint32_t high, uint32_t low);
  void start(int thread);
  void resume(int thread);
  void leave(bool for_ever);
  void wait(State state);
  bool release(ThreadOrder order);
  bool all_wait(int begin, int end, State state) const;
  void set_ready(int begin, int end);

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<float> slots_;
  ucontext_t scheduler_{};
  void* scheduler_stack_ = nullptr;
  const void* scheduler_bottom_ = nullptr;
  size_t scheduler_size_ = 0;
  const std::function<void(int)>* work_ = nullptr;
  std::exception_ptr failure_;
  int current_ = 0, threads_ = 0;
  std::mt19937 chance_{1};
};

/// 16 x 16 products by a warp. Operands are copied when they are loaded, and which lane has which
/// elements of a sum nobody can guess, as with nvcuda::wmma.
template <typename T>
struct ExecutorMatrix {
  struct Operand {
    float x[16][16];
  };
  template <bool kTransposed>
  struct A : Operand {};
  template <bool kTransposed>
  struct B : Operand {};
  struct Accumulator {
    float x[8];
  };

  static int element(int lane, int i) { return (lane * 8 + i) * 37 % 256; }

  template <class Block>
  static void clear(const Block&, Accumulator& sum) {
    for (float& x : sum.x) x = 0;
  }
  template <class Block, template <bool> class Side, bool kTransposed>
  static void load(const Block& block, Side<kTransposed>& operand, const T* data, int stride) {
    check(data, stride, 32, 16 / static_cast<int>(sizeof(T)));
    block.sync_warp();
    for (int i = 0; i < 16; ++i)
      for (int j = 0; j < 16; ++j)
        operand.x[i][j] =
            static_cast<float>(kTransposed ? data[j * stride + i] : data[i * stride + j]);
  }
  template <class Block>
  static void multiply_add(const Block& block, Accumulator& sum, const Operand& a,
                           const Operand& b) {
    block.sync_warp();
    for (int i = 0; i < 8; ++i) {
      const int at = element(block.lane(), i);
      for (int k = 0; k < 16; ++k) sum.x[i] += a.x[at / 16][k] * b.x[k][at % 16];
    }
  }
  template <class Block>
  static void store(const Block& block, const Accumulator& sum, float* to, int stride) {
    check(to, stride, 32, 4);
    block.sync_warp();
    for (int i = 0; i < 8; ++i) {
      const int at = element(block.lane(), i);
      to[at / 16 * stride + at % 16] = sum.x[i];
    }
  }

 private:
  /// What wmma asks of addresses: 256 bits, and of strides: 128 bits.
  template <typename E>
  static void check(const E* data, int stride, uintptr_t alignment, int elements) {
    if (reinterpret_cast<uintptr_t>(data) % alignment != 0 || stride % elements != 0)
      throw std::logic_error("a matrix of a warp begins or goes on where wmma cannot read it");
  }
};

/// The Block of device.cuh.
class ExecutorBlock {
 public:
  template <typename T>
  using Matrix = ExecutorMatrix<T>;

  ExecutorBlock(Fibers& fibers, int64_t index, int thread, kernels::Span<std::byte> shared)
      : fibers_(fibers), index_(index), thread_(thread), shared_(shared) {}

  int64_t index() const { return index_; }
  int thread() const { return thread_; }
  int lane() const { return thread_ % kernels::kWarp; }
  int warp() const { return thread_ / kernels::kWarp; }
  void sync() const { fibers_.wait_for_block(); }
  void sync_warp() const { fibers_.wait_for_warp(); }
  float shuffle_xor(float x, int mask) const { return shuffle(x, lane() ^ mask); }
  float shuffle(float x, int lane) const {
    fibers_.slot(thread_) = x;
    sync_warp();
    const int other = warp() * kernels::kWarp + lane;
    if (!fibers_.is_alive(other)) throw std::logic_error("a shuffle with a lane that has left");
    const float theirs = fibers_.slot(other);
    sync_warp();  // nobody puts up something else before all have read this
    return theirs;
  }
  template <typename T>
  kernels::Span<T> shared(int offset, int count) const {
    std::byte* begin = shared_.at(offset, count * static_cast<int64_t>(sizeof(T)));
    if (reinterpret_cast<uintptr_t>(begin) % alignof(T) != 0)
      throw std::logic_error("shared memory that is not aligned");
    return {reinterpret_cast<T*>(begin), count};
  }
  void atomic_add(float& x, float value) const { x += value; }

 private:
  Fibers& fibers_;
  int64_t index_;
  int thread_;
  kernels::Span<std::byte> shared_;
};

/// How the executor runs kernels, and what it has run: for the thread that has one.
class Executor {
 public:
  explicit Executor(ThreadOrder order = ThreadOrder::kForward);
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  ~Executor();

  int64_t launches() const { return launches_; }
  /// The launch of this number, from 0, does nothing, as on a GPU that fails.
  void lose_launch(int64_t number) { lost_ = number; }
  /// A launch of what is no kernel of ours; false: it is the one that does nothing.
  bool begins_launch() { return launches_++ != lost_; }
  /// The innermost one that is alive on this thread. Throws std::logic_error where there is none.
  static Executor& current();

  template <class Kernel>
  void launch(const kernels::Grid& grid, const Kernel& kernel) {
    static_assert(Kernel::kThreads % kernels::kWarp == 0);
    if (grid.shared_bytes > kernels::kMostShared)
      throw std::logic_error("a kernel asks for more shared memory than a block has on sm_75");
    if (!begins_launch()) return;
    constexpr size_t kAligned = 128;
    for (int64_t index = 0; index < grid.blocks; ++index) {
      const size_t bytes = static_cast<size_t>(grid.shared_bytes);
      std::vector<std::byte> memory(bytes + kAligned, std::byte{0xFF});
      const size_t skip = kAligned - reinterpret_cast<uintptr_t>(memory.data()) % kAligned;
      const kernels::Span<std::byte> shared{memory.data() + skip, grid.shared_bytes};
      fibers_.run(Kernel::kThreads, order_,
                  [&](int thread) { kernel(ExecutorBlock(fibers_, index, thread, shared)); });
    }
  }

 private:
  Fibers fibers_;
  ThreadOrder order_;
  int64_t launches_ = 0, lost_ = -1;
  Executor* outer_;
};

}  // namespace precis::testing

namespace precis::kernels {

template <class Kernel>
void launch(const Grid& grid, const Kernel& kernel) {
  if (grid.blocks > 0) testing::Executor::current().launch(grid, kernel);
}

}  // namespace precis::kernels
