// Evaluations while training goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/eval/summarizer.h"
#include "lib/generate/inference_model.h"
#include "lib/run/training_parts.h"
#include "lib/train/train_loop.h"

namespace precis {

/// Validation loss and ROUGE on all ranks; decides what is best and when to end early. A signal
/// ends training in the middle of an evaluation, of which nothing is kept: whoever goes on from
/// there begins with it.
class EvaluationObserver : public TrainObserver {
 public:
  EvaluationObserver(const TrainingParts& parts, const DialogueDataset& validation);
  Boundary reached(int64_t steps, Boundary boundary) override;

 private:
  struct Scores {
    double val_loss = 0, rouge1 = 0, rouge2 = 0, rougeL = 0;
    int64_t num_examples = 0, rouge_num_examples = 0, num_empty = 0;
    double metric(const std::string& name) const;  // larger is better
  };
  std::optional<Scores> evaluate();
  bool score(Scores& scores);
  static Record record_of(int64_t steps, const Scores& scores);
  void compare_ranks(int64_t steps, uint64_t digest) const;

  TrainingParts parts_;
  const DialogueDataset& validation_;
  InferenceModel model_;
  Summarizer summarizer_;
};

}  // namespace precis
