#include "lib/eval/validation_loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "lib/data/epoch_plan.h"
#include "lib/data/micro_batches.h"

namespace precis {

double validation_loss(LanguageModel& model, const Weights& weights,
                       const ValidationSamples& samples, const World& world) {
  const auto& [data, count, budget] = samples;
  std::vector<PlannedSample> planned;
  for (int64_t i = 0; i < std::min(count, data.size()); ++i) planned.push_back({i, i});
  const StepPlan plan = plan_step(planned, data, budget, world.size(), 0);
  at::Tensor sum = at::zeros({}, at::TensorOptions(model.device()).dtype(at::kDouble));
  for (const RaggedBatch& batch : make_micro_batches(plan, data, world.rank(), 0, model.device()))
    sum.add_(model.loss(batch, weights));
  double total[] = {sum.item<double>()};
  world.sum(total);
  return total[0] / static_cast<double>(plan.counts.target_tokens);
}

}  // namespace precis
