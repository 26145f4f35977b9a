#include "lib/train/train_loop.h"

#include <chrono>

#include "lib/base/random.h"

namespace precis {

TrainLoop::TrainLoop(const Parts& parts, const TrainConfig& config, const Settings& settings)
    : parts_(parts), config_(config), settings_(settings) {}

TrainLoop::Prepared TrainLoop::prepare(int64_t iteration) const {
  const std::vector<PlannedSample> samples = parts_.plan.step(iteration);
  const StepPlan plan = plan_step(samples, parts_.data, settings_.micro_batch_tokens,
                                  parts_.world.size(), settings_.target_cost);
  Prepared prepared{{},
                    plan.total_tokens,
                    plan.total_targets,
                    static_cast<int64_t>(samples.size()),
                    EpochPlan::digest(samples)};
  for (size_t i = 0; i < plan.micro_batches.size(); ++i) {
    if (plan.rank_of[i] != parts_.world.rank()) continue;
    std::vector<RaggedSample> rows;
    for (const PlannedSample& planned : plan.micro_batches[i]) {
      const EncodedExample& example = parts_.data[planned.sample];
      rows.push_back({example.tokens, example.prompt_tokens,
                      mix_key({settings_.seed, static_cast<uint64_t>(planned.ordinal)})});
    }
    prepared.micro_batches.push_back(
        make_ragged_batch(rows, /*with_targets=*/true).to(parts_.device));
  }
  return prepared;
}

Boundary TrainLoop::run(int64_t start, const std::vector<TrainObserver*>& observers) {
  using Clock = std::chrono::steady_clock;
  std::future<Prepared> next;
  const auto prefetch = [&](int64_t iteration) {
    if (iteration < config_.max_iters)
      next = std::async(std::launch::async, [this, iteration] { return prepare(iteration); });
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
    StepResult result =
        parts_.step.run(prepared.micro_batches,
                        {prepared.total_targets, learning_rate(config_, iter), settings_.dropout,
                         settings_.stop_requested && settings_.stop_requested()});
    result.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    result.samples = prepared.samples;
    result.tokens = prepared.total_tokens;
    result.plan = prepared.plan;
    stopping = result.stop;
    for (TrainObserver* observer : observers) observer->stepped(iter, result);
  }
}

}  // namespace precis
