// Saves checkpoints while training goes on.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "lib/checkpoint/checkpoint_folder.h"
#include "lib/formats/value.h"

namespace precis {

/// Writes ckpt.pt and last.pt on a thread of its own from a copy of the tensors in host memory.
/// There is one copy: its memory is used again by the next save, which waits until the one before
/// is on the disk; both files of one iteration share it. Where there is no memory for it the caller
/// waits until the file is written. A save that fails ends nothing: it is
/// told, tried again every few seconds and once more before its copy is given up for a later one,
/// and later ones are tried in any case. Members are called by one thread.
class CheckpointWriter {
 public:
  /// What is saved. States of one iteration hold the same tensors.
  struct State {
    int64_t iter = 0;  ///< optimizer steps done
    /// On any device; they may change as soon as save_...() returns.
    std::vector<at::Tensor> tensors;
    /// Makes the file's content over the float32 copies, in the order of `tensors`. Called on the
    /// writer's thread, perhaps more than once, at the latest by finish() or the destructor.
    std::function<Value(std::span<const at::Tensor> copies)> content;
  };

  /// How long a failed save rests before it is tried again.
  static constexpr std::chrono::seconds kRest{5};

  /// `before`: called on the writer's thread before each file, as to make safe what it will name as
  /// done.
  explicit CheckpointWriter(CheckpointFolder folder, std::function<void()> before = {},
                            std::chrono::milliseconds rest = kRest)
      : folder_(std::move(folder)), before_(std::move(before)), rest_(rest) {}
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;
  /// Waits until what was begun is written.
  ~CheckpointWriter();

  /// Begins to write ckpt.pt.
  void save_best(State state);
  /// Begins to write last.pt, and iter-NNNNNN.pt as CheckpointFolder::save_last says.
  void save_last(State state, int64_t keep_last);

  /// What went wrong since this was asked last, naming file and reason: once for each of the two
  /// names until a save of that name works. Does not wait.
  std::vector<std::string> take_failures();
  /// The names of files that were saved since this was asked last, after a failure that was told.
  std::vector<std::string> take_repairs();

  /// Waits until everything is on the disk, trying what failed again for as long as `patience`, and
  /// lets the copy's memory go. Throws a DataError when the last save of a file failed: its copy is
  /// then kept, and may be tried once more by another finish().
  void finish(std::chrono::milliseconds patience = {});

 private:
  struct Job {
    bool best = false;
    int64_t keep_last = 0;
    int64_t iter = 0;
    std::function<Value(std::span<const at::Tensor>)> content;
  };
  struct Failed {
    Job job;
    std::string why;
  };
  using Lock = std::unique_lock<std::mutex>;

  void save(Job job, std::span<const at::Tensor> tensors);
  bool start_thread();
  void save_at_once(Lock& lock, const Job& job, std::span<const at::Tensor> tensors);
  void wait_until_written(Lock& lock) const;
  void try_again(Lock& lock, std::optional<bool> except_best);
  bool queue_failed(std::optional<bool> except_best);
  void note(const Job& job, std::optional<std::string> error);
  void copy(std::span<const at::Tensor> tensors);
  void work();
  std::optional<std::string> write(const Job& job) const;
  std::string no_memory_for(const Job& job) const;

  CheckpointFolder folder_;
  std::function<void()> before_;
  std::chrono::milliseconds rest_;
  std::vector<at::Tensor> copies_;  // in use by the thread while jobs_ holds any
  int64_t copied_iter_ = -1;
  std::mutex mutex_;  // over what follows
  mutable std::condition_variable changed_;
  std::deque<Job> jobs_;  // all of copied_iter_; the front one is being written
  std::array<std::optional<Failed>, 2>
      failed_;                  // the newest of last.pt and of ckpt.pt, until made good
  std::array<bool, 2> told_{};  // of a failure that nothing has made good
  std::vector<std::string> untold_, repaired_;
  bool ending_ = false;
  std::thread thread_;  // from the first save on
};

}  // namespace precis
