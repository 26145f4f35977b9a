// What looks on at training: evaluation, checkpoints, records.
#pragma once

#include <chrono>

#include "lib/eval/summarizer.h"
#include "lib/run/peak_rate.h"
#include "lib/run/train_stage.h"
#include "lib/run/training_state.h"
#include "lib/train/train_loop.h"

namespace precis {

/// The parts of a training that observers share.
struct TrainingParts {
  const RunContext& context;
  const Inputs& inputs;
  TrainingState& state;
};

/// Validation loss and ROUGE on all ranks; decides what is best and when to end early.
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
  Scores evaluate();
  static Record record_of(int64_t steps, const Scores& scores);
  void compare_ranks(int64_t steps, uint64_t digest) const;

  TrainingParts parts_;
  const DialogueDataset& validation_;
  InferenceModel model_;
  Summarizer summarizer_;
};

/// Saves last.pt.
class CheckpointObserver : public TrainObserver {
 public:
  CheckpointObserver(const TrainingParts& parts, int64_t start) : parts_(parts), saved_(start) {}
  Boundary reached(int64_t steps, Boundary boundary) override;

 private:
  TrainingParts parts_;
  int64_t saved_;  // steps done at the last save
};

/// Makes the train records and keeps the progress.
class RecordObserver : public TrainObserver {
 public:
  explicit RecordObserver(const TrainingParts& parts);
  void stepped(const Iteration& iteration) override;

 private:
  TrainingParts parts_;
  PeakRate peak_;
  ModelCost cost_;
  double seconds_ = 0, samples_ = 0, tokens_ = 0, flops_ = 0;  // since the last record
  int64_t iterations_ = 0;
};

}  // namespace precis
