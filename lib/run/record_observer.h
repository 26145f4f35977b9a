// The records of training: loss, speed, what is left.
#pragma once

#include <cstdint>

#include "lib/model/cost.h"
#include "lib/run/peak_rate.h"
#include "lib/run/training_parts.h"
#include "lib/train/train_loop.h"

namespace precis {

/// Makes the train records.
class RecordObserver : public TrainObserver {
 public:
  explicit RecordObserver(const TrainingParts& parts);
  void stepped(const Iteration& iteration) override;

 private:
  void tell_skipped(const Iteration& done) const;

  TrainingParts parts_;
  PeakMeter peak_;
  ModelCost cost_;
  double seconds_ = 0, samples_ = 0, tokens_ = 0, flops_ = 0;  // since the last record
  int64_t iterations_ = 0;
};

}  // namespace precis
