#include "lib/eval/validation_loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <vector>

#include "lib/comm/work_rounds.h"
#include "lib/data/epoch_plan.h"
#include "lib/data/micro_batches.h"
#include "lib/tensor/memory_shortage.h"

namespace precis {
namespace {

/// Adds the loss of these samples to `sum`: in halves where there is no memory for all at a time.
void add_loss(LanguageModel& model, const Weights& weights, const DialogueDataset& data,
              const std::vector<PlannedSample>& samples, at::Tensor& sum) {
  try {
    const StepPlan alone{{samples}, {0}, {}};
    const auto batches = make_micro_batches(alone, data, /*rank=*/0, /*seed=*/0, model.device());
    sum.add_(model.loss(batches.front(), weights));
    return;
  } catch (...) {
    if (samples.size() == 1 || !is_out_of_memory(std::current_exception())) throw;
  }
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  add_loss(model, weights, data, {samples.begin(), middle}, sum);
  add_loss(model, weights, data, {middle, samples.end()}, sum);
}

}  // namespace

std::optional<double> validation_loss(LanguageModel& model, const Weights& weights,
                                      const ValidationSamples& samples, const World& world,
                                      const std::function<bool()>& stop_requested) {
  const auto& [data, count, budget] = samples;
  std::vector<PlannedSample> planned;
  for (int64_t i = 0; i < std::min(count, data.size()); ++i) planned.push_back({i, i});
  const StepPlan plan = plan_step(planned, data, budget, world.size(), 0);
  at::Tensor sum = at::zeros({}, at::TensorOptions(model.device()).dtype(at::kDouble));
  WorkRounds rounds(world, {.stop_requested = stop_requested});
  bool whole = true;
  for (size_t i = 0; whole && i < plan.micro_batches.size(); ++i) {
    if (plan.rank_of[i] != world.rank()) continue;
    whole = !rounds.should_stop();
    if (whole) add_loss(model, weights, data, plan.micro_batches[i], sum);
  }
  if (!rounds.finish(whole)) return std::nullopt;
  double total[] = {sum.item<double>()};
  world.sum(total);
  return total[0] / static_cast<double>(plan.counts.target_tokens);
}

}  // namespace precis
