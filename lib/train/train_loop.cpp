#include "lib/train/train_loop.h"

#include <chrono>
#include <system_error>

#include "lib/data/micro_batches.h"
#include "lib/tensor/memory_shortage.h"
#include "lib/train/lr_schedule.h"

namespace precis {

TrainLoop::TrainLoop(const Parts& parts, const TrainConfig& config, const Settings& settings)
    : parts_(parts), config_(config), settings_(settings) {}

TrainLoop::Prepared TrainLoop::prepare(int64_t iteration) const {
  Prepared prepared;
  prepared.out_of_memory = lacks_memory([&] {
    const std::vector<PlannedSample> samples = parts_.plan.step(iteration);
    const StepPlan plan = plan_step(samples, parts_.data, settings_.micro_batch_tokens,
                                    parts_.world.size(), settings_.target_cost);
    prepared.counts = plan.counts;
    prepared.plan = EpochPlan::digest(samples);
    prepared.micro_batches =
        make_micro_batches(plan, parts_.data, parts_.world.rank(), settings_.seed, parts_.device);
  });
  return prepared;
}

/// The largest micro-batch that a plan may hold: whether there is memory for it is better known now
/// than in the middle of the night.
void TrainLoop::try_out() const {
  StepPlan plan;
  plan.micro_batches = {
      largest_micro_batch(parts_.data, settings_.micro_batch_tokens, config_.global_batch_size)};
  plan.rank_of = {parts_.world.rank()};
  std::vector<RaggedBatch> batches;
  const bool out_of_memory = lacks_memory([&] {
    batches =
        make_micro_batches(plan, parts_.data, parts_.world.rank(), settings_.seed, parts_.device);
  });
  parts_.step.try_out(batches, settings_.dropout, out_of_memory);
}

Boundary TrainLoop::run(int64_t start, const std::vector<TrainObserver*>& observers) {
  using Clock = std::chrono::steady_clock;
  steps_ = start;
  if (settings_.try_out && start < config_.max_iters) try_out();
  std::future<Prepared> next;
  const auto prefetch = [&](int64_t iteration) {
    if (iteration >= config_.max_iters) return;
    const auto work = [this, iteration] { return prepare(iteration); };
    try {
      next = std::async(std::launch::async, work);
    } catch (const std::system_error&) {  // no room for a thread's stack
      next = std::async(std::launch::deferred, work);
    }
  };
  prefetch(start);
  bool stopping = false;
  for (int64_t iter = start;; ++iter) {
    Boundary boundary = iter >= config_.max_iters ? Boundary::kFinished
                        : stopping                ? Boundary::kStopped
                                                  : Boundary::kGoingOn;
    for (TrainObserver* observer : observers) boundary = observer->reached(iter, boundary);
    if (boundary != Boundary::kGoingOn) return boundary;
    const auto began = Clock::now();
    const Prepared prepared = next.get();
    prefetch(iter + 1);
    Iteration done;
    done.number = iter;
    done.counts = prepared.counts;
    done.learning_rate = learning_rate(config_, iter);
    done.plan = prepared.plan;
    done.result = parts_.step.run(
        prepared.micro_batches,
        {done.counts, done.learning_rate, settings_.dropout,
         settings_.stop_requested && settings_.stop_requested(), prepared.out_of_memory});
    steps_ = iter + 1;
    done.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    stopping = done.result.stop;
    for (TrainObserver* observer : observers) observer->stepped(done);
  }
}

}  // namespace precis
