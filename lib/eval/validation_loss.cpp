#include "lib/eval/validation_loss.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "lib/data/epoch_plan.h"

namespace precis {

double validation_loss(Gpt& model, const GptWeights& weights, const DialogueDataset& data,
                       int64_t count, int64_t budget, const World& world) {
  std::vector<PlannedSample> samples;
  for (int64_t i = 0; i < std::min(count, data.size()); ++i) samples.push_back({i, i});
  const StepPlan plan = plan_step(samples, data, budget, world.size(), 0);
  at::Tensor sum = at::zeros({}, at::TensorOptions(model.device()).dtype(at::kDouble));
  for (size_t i = 0; i < plan.micro_batches.size(); ++i) {
    if (plan.rank_of[i] != world.rank()) continue;
    std::vector<RaggedSample> rows;
    for (const PlannedSample& s : plan.micro_batches[i])
      rows.push_back({data[s.sample].tokens, data[s.sample].prompt_tokens, 0});
    sum.add_(
        model.loss(make_ragged_batch(rows, /*with_targets=*/true).to(model.device()), weights));
  }
  double total[] = {sum.item<double>()};
  world.sum(total);
  return total[0] / static_cast<double>(plan.total_targets);
}

}  // namespace precis
