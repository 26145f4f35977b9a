// The stages that use a trained model: evaluate and predict.
#pragma once

#include "lib/run/train_stage.h"

namespace precis {

/// Collective. Scores all validation rows (or eval.max_examples) with the best checkpoint:
/// evaluation.json, evaluation.csv.
void evaluate_stage(const RunContext& context, const Inputs& inputs);

/// Collective. Summarises test_csv with the best checkpoint: submission.csv.
void predict_stage(const RunContext& context, const Inputs& inputs);

}  // namespace precis
