// The lines a person watches.
#pragma once

#include <cstdint>
#include <string>

#include "lib/base/log.h"
#include "lib/report/sink.h"

namespace precis {

/// `iter 120 | loss 2.3456 | lr 5.9e-05 | grad norm 0.98 | 812 ms | 39.4 samples/s | 7021 tokens/s
/// | MFU 61.2 % (of mfu_peak) | ETA 12:34`, from iter, loss, lr, grad_norm, step_ms, samples_per_s,
/// tokens_per_s, mfu (a fraction), mfu_peak (text) and eta_seconds. What a record lacks is left
/// out.
std::string train_line(const Record& record);

/// What an evaluation said, in two or three lines, from iter, val_loss, num_examples, rouge1,
/// rouge2, rougeL, rouge_num_examples, num_empty_summaries and best.
std::string eval_block(const Record& record);

/// Writes train records of every log_interval-th iteration and all eval records to the log, which
/// must outlive the sink.
class ConsoleSink : public Sink {
 public:
  ConsoleSink(Log& log, int64_t log_interval) : log_(log), log_interval_(log_interval) {}

  void write(const Record& record) override;

 private:
  Log& log_;
  int64_t log_interval_;  ///< below 1 counts as 1
};

}  // namespace precis
