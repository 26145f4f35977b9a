// Rank 0's side of a run: what is written, while the ranks go straight on.
#pragma once

#include <cstdint>
#include <string>

#include "lib/base/log.h"
#include "lib/checkpoint/checkpoint_folder.h"
#include "lib/checkpoint/checkpoint_writer.h"
#include "lib/checkpoint/model_file.h"
#include "lib/report/record.h"
#include "lib/report/sink.h"
#include "lib/run/inputs.h"
#include "lib/run/run_config.h"

namespace precis {

/// Writes the run folder: config, vocabulary, records, checkpoints, stages' files. On other ranks
/// than the root every member does nothing, so that callers need not ask. Checkpoints are written
/// by a CheckpointWriter; a save that failed is a warning in the log, and training goes on.
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
  void record(Record record);

  /// Writes ckpt.pt or last.pt of this state. The tensors may change as soon as this returns.
  void save_best(const ModelFile& state, double learning_rate);
  void save_last(const ModelFile& state, double learning_rate);
  /// Waits until all checkpoints are on the disk. Throws DataError where the last one of a name
  /// could not be written.
  void finish_saves();

  /// Replaces a file of the run folder.
  void write(const std::string& name, const std::string& content);
  /// report.html from what the run folder holds.
  void write_report(const Inputs& inputs);

  /// Whether a stage was done before with just these weights and settings: digests of them.
  bool is_up_to_date(const std::string& stage, const std::string& weights,
                     const std::string& settings, const std::string& file) const;
  void note_stage(const std::string& stage, int64_t iter, const std::string& weights,
                  const std::string& settings);

 private:
  CheckpointWriter::State state_of(const ModelFile& state, double learning_rate) const;
  void tell_failures();

  RunConfig& config_;
  bool is_root_;
  Log& log_;
  CheckpointFolder folder_;
  std::string config_yaml_;
  Reporter reporter_;
  CheckpointWriter checkpoints_;
};

}  // namespace precis
