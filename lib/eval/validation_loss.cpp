#include "lib/eval/validation_loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "lib/comm/work_rounds.h"
#include "lib/data/epoch_plan.h"
#include "lib/data/micro_batches.h"

namespace precis {

std::optional<double> validation_loss(LanguageModel& model, const Weights& weights,
                                      const ValidationSamples& samples, const World& world,
                                      const std::function<bool()>& stop_requested) {
  const auto& [data, count, budget] = samples;
  std::vector<PlannedSample> planned;
  for (int64_t i = 0; i < std::min(count, data.size()); ++i) planned.push_back({i, i});
  const StepPlan plan = plan_step(planned, data, budget, world.size(), 0);
  at::Tensor sum = at::zeros({}, at::TensorOptions(model.device()).dtype(at::kDouble));
  const auto batches = make_micro_batches(plan, data, world.rank(), 0, model.device());
  WorkRounds rounds(world, {.stop_requested = stop_requested});
  size_t done = 0;
  for (; done < batches.size() && !rounds.should_stop(); ++done)
    sum.add_(model.loss(batches[done], weights));
  if (!rounds.finish(done == batches.size())) return std::nullopt;
  double total[] = {sum.item<double>()};
  world.sum(total);
  return total[0] / static_cast<double>(plan.counts.target_tokens);
}

}  // namespace precis
