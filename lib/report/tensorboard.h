// TensorBoard: the records as scalars of an event file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "lib/base/append_file.h"
#include "lib/report/sink.h"

namespace precis {

/// Writes train records (train/loss, train/lr, train/grad_norm, speed/samples_per_s,
/// speed/tokens_per_s, speed/step_ms, speed/mfu) and eval records (eval/val_loss, eval/rouge1,
/// eval/rouge2, eval/rougeL) at step `iter`. Fields that are absent or null are left out; NaN is
/// written as it is.
class TensorBoardSink : public Sink {
 public:
  /// Makes the folder and a new event file in it, which sorts behind those that are there:
  /// TensorBoard reads them in that order. The file then says that all older points from step
  /// `go_on_from` on (without it: all) no longer count. `kept`: the records that go on counting
  /// (those of metrics.jsonl): an evaluation at just that step is written again, since it was
  /// purged as well. `tell`: as AppendFile.
  TensorBoardSink(const std::filesystem::path& folder, std::optional<int64_t> go_on_from,
                  const std::vector<Record>& kept = {}, Tell tell = {});

  void write(const Record& record) override;
  void flush() override { file_.sync(); }
  bool is_complete() const override { return file_.is_complete(); }

 private:
  AppendFile file_;
};

}  // namespace precis
