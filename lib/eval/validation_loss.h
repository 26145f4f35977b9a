// Loss on held-out samples.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "lib/comm/world.h"
#include "lib/data/dataset.h"
#include "lib/model/language_model.h"
#include "lib/model/weights.h"

namespace precis {

/// Which samples, and how they are run.
struct ValidationSamples {
  const DialogueDataset& data;
  int64_t count = 0;   ///< the first so many of them
  int64_t budget = 0;  ///< input tokens a micro-batch
};

/// Collective. Nats per target token, the micro-batches shared out over all ranks; the same on
/// every rank. Nothing where a rank was asked to stop between two of them: `stop_requested` is this
/// rank's, may be none.
std::optional<double> validation_loss(LanguageModel& model, const Weights& weights,
                                      const ValidationSamples& samples, const World& world,
                                      const std::function<bool()>& stop_requested = {});

}  // namespace precis
