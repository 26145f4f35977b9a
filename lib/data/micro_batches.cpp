#include "lib/data/micro_batches.h"

#include "lib/base/random.h"
#include "lib/model/batch_shape.h"

namespace precis {

std::vector<RaggedBatch> make_micro_batches(const StepPlan& plan, const DialogueDataset& data,
                                            int rank, uint64_t seed, at::Device device) {
  std::vector<RaggedBatch> batches;
  for (size_t i = 0; i < plan.micro_batches.size(); ++i) {
    if (plan.rank_of[i] != rank) continue;
    std::vector<RaggedSample> rows;
    for (const PlannedSample& planned : plan.micro_batches[i]) {
      const EncodedExample& example = data[planned.sample];
      rows.push_back({example.tokens, example.prompt_tokens,
                      mix_key({seed, static_cast<uint64_t>(planned.ordinal)})});
    }
    RaggedBatch batch = make_ragged_batch(rows, /*with_targets=*/true);
    if (!device.is_cpu()) batch = padded(batch, shape_class(batch));
    batches.push_back(batch.to(device));
  }
  return batches;
}

}  // namespace precis
