#include "lib/train/train_loop.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "lib/data/micro_batches.h"
#include "lib/tensor/memory_shortage.h"
#include "lib/train/lr_schedule.h"

namespace precis {

namespace {

[[noreturn]] void end_skipping(const Iteration& last) {
  throw SharedError(
      ExitCode::kOther,
      fmt::format(
          "{}. It is the {}. in a row (train.max_skipped_steps), so training ends; the last "
          "checkpoint is whole. A smaller train.learning_rate, more train.warmup_iters or "
          "train.dtype=float32 may help",
          describe_skipped(last), last.result.skipped_steps));
}

}  // namespace

std::string describe_skipped(const Iteration& iteration) {
  const StepResult& result = iteration.result;
  constexpr size_t kMostIds = 8;
  const size_t shown = std::min(kMostIds, iteration.sample_ids.size());
  const std::string ids = fmt::format(
      "{}{}",
      fmt::join(iteration.sample_ids.begin(),
                iteration.sample_ids.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      shown < iteration.sample_ids.size()
          ? fmt::format(" and {} more", iteration.sample_ids.size() - shown)
          : "");
  const std::string where = result.first_not_finite.empty()
                                ? ""
                                : fmt::format(" (first in backward: {})", result.first_not_finite);
  return fmt::format(
      "iteration {} is skipped: the loss is {:.6g} and the norm of the gradient {:.6g}{}, "
      "over the samples {}",
      iteration.number, result.loss, result.grad_norm, where, ids);
}

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

std::vector<std::string> TrainLoop::ids_of(int64_t iteration) const {
  std::vector<std::string> ids;
  for (const PlannedSample& planned : parts_.plan.step(iteration))
    ids.push_back(parts_.data.id(planned.sample));
  return ids;
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
    parts_.world.set_activity(fmt::format("after {} iterations", iter));
    for (TrainObserver* observer : observers) boundary = observer->reached(iter, boundary);
    if (boundary != Boundary::kGoingOn) return boundary;
    parts_.world.set_activity(fmt::format("iteration {}", iter));
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
    if (done.result.skipped()) done.sample_ids = ids_of(iter);
    for (TrainObserver* observer : observers) observer->stepped(done);
    if (done.result.skipped_steps >= config_.max_skipped_steps) end_skipping(done);
  }
}

}  // namespace precis
