#include "tests/support/executor.h"

#include <algorithm>
#include <numeric>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace precis::testing {
namespace {

thread_local Executor* innermost = nullptr;

void before_switch([[maybe_unused]] void** save, [[maybe_unused]] const void* bottom,
                   [[maybe_unused]] size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(save, bottom, size);
#endif
}

void after_switch([[maybe_unused]] void* saved, [[maybe_unused]] const void** bottom,
                  [[maybe_unused]] size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(saved, bottom, size);
#endif
}

std::vector<int> turns_of(int threads, ThreadOrder order, std::mt19937& chance) {
  std::vector<int> turns(static_cast<size_t>(threads));
  std::iota(turns.begin(), turns.end(), 0);
  if (order == ThreadOrder::kBackward) std::ranges::reverse(turns);
  if (order == ThreadOrder::kShuffled) std::ranges::shuffle(turns, chance);
  return turns;
}

}  // namespace

bool Fibers::is_alive(int thread) const {
  return thread < threads_ && fibers_[static_cast<size_t>(thread)]->state != State::kEnded;
}

void Fibers::run(int threads, ThreadOrder order, const std::function<void(int)>& work) {
  constexpr size_t kStack = 128 * 1024;
  while (static_cast<int>(fibers_.size()) < threads) {
    fibers_.push_back(std::make_unique<Fiber>());
    fibers_.back()->stack.resize(kStack);
  }
  slots_.resize(fibers_.size());
  threads_ = threads;
  work_ = &work;
  failure_ = nullptr;
  for (int t = 0; t < threads; ++t) start(t);
  const std::vector<int> turns = turns_of(threads, order, chance_);
  do {
    for (const int t : turns)
      if (fibers_[static_cast<size_t>(t)]->state == State::kReady) resume(t);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));  // the rest never ends
  } while (release(order));
}

void Fibers::start(int thread) {
  Fiber& fiber = *fibers_[static_cast<size_t>(thread)];
  fiber.state = State::kReady;
  fiber.fake_stack = nullptr;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.data();
  fiber.context.uc_stack.ss_size = fiber.stack.size();
  fiber.context.uc_link = nullptr;
  const auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&fiber.context, reinterpret_cast<void (*)()>(&Fibers::enter), 2,
              static_cast<uint32_t>(uint64_t{self} >> 32), static_cast<uint32_t>(self));
}

void Fibers::enter(uint32_t high, uint32_t low) {
  auto* self = reinterpret_cast<Fibers*>(static_cast<uintptr_t>((uint64_t{high} << 32) | low));
  after_switch(nullptr, &self->scheduler_bottom_, &self->scheduler_size_);
  try {
    (*self->work_)(self->current_);
  } catch (...) {
    if (!self->failure_) self->failure_ = std::current_exception();
  }
  self->fibers_[static_cast<size_t>(self->current_)]->state = State::kEnded;
  self->leave(/*for_ever=*/true);
}

void Fibers::resume(int thread) {
  current_ = thread;
  Fiber& fiber = *fibers_[static_cast<size_t>(thread)];
  before_switch(&scheduler_stack_, fiber.stack.data(), fiber.stack.size());
  swapcontext(&scheduler_, &fiber.context);
  after_switch(scheduler_stack_, nullptr, nullptr);
}

void Fibers::leave(bool for_ever) {
  Fiber& fiber = *fibers_[static_cast<size_t>(current_)];
  before_switch(for_ever ? nullptr : &fiber.fake_stack, scheduler_bottom_, scheduler_size_);
  swapcontext(&fiber.context, &scheduler_);
  after_switch(fiber.fake_stack, &scheduler_bottom_, &scheduler_size_);
}

void Fibers::wait(State state) {
  fibers_[static_cast<size_t>(current_)]->state = state;
  leave(/*for_ever=*/false);
}

void Fibers::wait_for_block() {
  wait(State::kAtBlock);
}

void Fibers::wait_for_warp() {
  wait(State::kAtWarp);
}

/// Whether all of these threads that have not ended wait there, and some do.
bool Fibers::all_wait(int begin, int end, State state) const {
  bool some = false;
  for (int t = begin; t < end; ++t) {
    const State at = fibers_[static_cast<size_t>(t)]->state;
    if (at == State::kEnded) continue;
    if (at != state) return false;
    some = true;
  }
  return some;
}

void Fibers::set_ready(int begin, int end) {
  for (int t = begin; t < end; ++t)
    if (is_alive(t)) fibers_[static_cast<size_t>(t)]->state = State::kReady;
}

/// Lets go on who has waited for all that they wait for. False when all threads have ended.
bool Fibers::release(ThreadOrder order) {
  std::vector<int> warps;  // first threads of those whose lanes have all come
  for (int begin = 0; begin < threads_; begin += kernels::kWarp)
    if (all_wait(begin, begin + kernels::kWarp, State::kAtWarp)) warps.push_back(begin);
  if (!warps.empty()) {
    if (order == ThreadOrder::kBackward) warps = {warps.back()};
    if (order == ThreadOrder::kShuffled) warps = {warps[chance_() % warps.size()]};
    for (const int begin : warps) set_ready(begin, begin + kernels::kWarp);
    return true;
  }
  if (all_wait(0, threads_, State::kAtBlock)) {
    set_ready(0, threads_);
    return true;
  }
  for (int t = 0; t < threads_; ++t)
    if (is_alive(t)) throw std::logic_error("threads of a block wait for each other in vain");
  return false;
}

Executor::Executor(ThreadOrder order) : order_(order), outer_(innermost) {
  innermost = this;
}

Executor::~Executor() {
  innermost = outer_;
}

Executor& Executor::current() {
  if (innermost == nullptr)
    throw std::logic_error("a kernel was started where no Executor is alive");
  return *innermost;
}

}  // namespace precis::testing
