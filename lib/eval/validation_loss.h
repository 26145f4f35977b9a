// Loss on held-out samples.
#pragma once

#include <vector>

#include "lib/comm/world.h"
#include "lib/data/dataset.h"
#include "lib/model/gpt2/gpt2_model.h"

namespace precis {

/// Collective. Nats per target token over the first `count` samples, the micro-batches shared out
/// over all ranks; the same on every rank. `budget`: input tokens a micro-batch.
double validation_loss(Gpt& model, const GptWeights& weights, const DialogueDataset& data,
                       int64_t count, int64_t budget, const World& world);

}  // namespace precis
