// The stages that use a trained model: evaluate and predict.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/generate/inference_model.h"
#include "lib/model/language_model.h"
#include "lib/run/train_stage.h"

namespace precis {

/// A model whose weights are ready on the device; evaluate and predict share one.
struct OutputModel {
  OutputModel(const RunContext& context, ModelFile read);

  ModelFile file;      ///< without optimizer and weights
  std::string digest;  ///< of the weights
  std::unique_ptr<LanguageModel> model;
  InferenceModel inference;
};

/// Collective. That model: `read` where nothing was trained since it was read, else the best
/// checkpoint of the run folder, as everybody else would read it. Says which.
std::unique_ptr<OutputModel> load_output_model(const RunContext& context, const Inputs& inputs,
                                               std::optional<ModelFile> read);

/// Collective. Scores all validation rows (or eval.max_examples): evaluation.json, evaluation.csv.
/// Returns false where a signal stopped it; the rows that are done are kept for another start.
bool evaluate_stage(const RunContext& context, const Inputs& inputs, OutputModel& loaded);

/// Collective. Summarises test_csv: submission.csv. Returns false as evaluate_stage.
bool predict_stage(const RunContext& context, const Inputs& inputs, OutputModel& loaded);

}  // namespace precis
