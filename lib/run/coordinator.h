// Rank 0's side of a run: what is written, while the ranks go straight on.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/base/log.h"
#include "lib/base/whole_files.h"
#include "lib/checkpoint/checkpoint_folder.h"
#include "lib/checkpoint/checkpoint_writer.h"
#include "lib/checkpoint/model_file.h"
#include "lib/eval/kept_rows.h"
#include "lib/report/html_report.h"
#include "lib/report/record.h"
#include "lib/report/sink.h"
#include "lib/run/inputs.h"
#include "lib/run/run_config.h"
#include "lib/run/run_lock.h"

namespace precis {

/// Writes the run folder: config, vocabulary, records, checkpoints, stages' files. On other ranks
/// than the root every member does nothing, so that callers need not ask. No file that cannot be
/// written ends a run: one warning names it and why, it is kept and tried again, and a line says
/// when it is there; only what is still missing at the end is an error. Checkpoints are written by
/// a CheckpointWriter.
class Coordinator {
 public:
  /// On the root: makes the run folder. Throws ConfigError where that cannot be.
  Coordinator(RunConfig& config, bool is_root, Log& log);
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  bool is_root() const { return is_root_; }
  Log& log() { return log_; }
  const CheckpointFolder& folder() const { return folder_; }

  /// Opens log and sinks and writes config.yaml and the vocabulary. Training from the start
  /// (nothing resumed) empties metrics.jsonl.
  void open(const Inputs& inputs, bool trains);
  /// From here on records and checkpoints are written only while this lock, which must outlive the
  /// coordinator, is held: else they throw its ConfigError. Null: none is needed.
  void hold(const RunLock* lock) { lock_ = lock; }
  void record(Record record);
  /// Gives checkpoints that nothing could be read from other names (keep_aside in base/files.h).
  void keep_aside(std::span<const std::filesystem::path> damaged);

  /// Writes ckpt.pt or last.pt of this state. The tensors may change as soon as this returns.
  void save_best(const ModelFile& state, double learning_rate);
  void save_last(const ModelFile& state, double learning_rate);
  /// Waits until all checkpoints are on the disk. Throws DataError where the last one of a name
  /// could not be written, after some seconds of tries.
  void finish_saves();
  /// The same where a run goes on after training: throws only where nothing at all could be saved.
  void settle_saves();
  /// The last try of all that could not be written. Throws DataError naming what is missing.
  void finish();

  /// Replaces a file of the run folder, now or later.
  void write(const std::string& name, const std::string& content);
  /// report.html from what the run folder holds.
  void write_report(const Inputs& inputs);

  /// Whether a stage was done before with just these weights and settings: digests of them.
  bool is_up_to_date(const std::string& stage, const std::string& weights,
                     const std::string& settings, const std::string& file) const;
  /// The stage's files are written: it is noted, and its kept rows are removed.
  void note_stage(const std::string& stage, int64_t iter, const std::string& weights,
                  const std::string& settings);
  /// On the root: the rows of a stage that were done before, and where further ones are kept.
  std::unique_ptr<KeptRows> kept_rows(const std::string& stage, const RowsOrigin& origin);
  void remove_kept_rows(const std::string& stage) const;
  /// Throws the lock's ConfigError where another run has taken the folder over.
  void require_held() const;

 private:
  CheckpointWriter::State state_of(const ModelFile& state, double learning_rate) const;
  void tell_failures();
  void tend();
  void make_folder_anew();
  std::filesystem::path rows_file(const std::string& stage) const;
  void number_last(int64_t iter);
  ReportInput report_of(const Inputs& inputs) const;

  RunConfig& config_;
  bool is_root_;
  Log& log_;
  const RunLock* lock_ = nullptr;
  CheckpointFolder folder_;
  std::string config_yaml_;
  std::function<void()> write_vocabulary_;
  std::vector<Record> notes_;  // of stages whose files are not written yet
  std::chrono::steady_clock::time_point tended_;
  WholeFiles files_;
  Reporter reporter_;
  CheckpointWriter checkpoints_;
};

}  // namespace precis
