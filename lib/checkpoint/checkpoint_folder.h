// The checkpoints of a run folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/formats/value.h"

namespace precis {

/// The checkpoints of a run folder by their names: saves ckpt.pt (the best), last.pt and
/// iter-NNNNNN.pt, keeps as many of the latter as are wanted, and finds the newest that is whole.
/// Members throw DataError naming the file.
class CheckpointFolder {
 public:
  /// What newest() found.
  struct Newest {
    std::optional<std::filesystem::path> path;   ///< what was read; nothing where none could be
    std::vector<std::filesystem::path> damaged;  ///< those before it, by all their names
    std::vector<std::string> reasons;            ///< what is wrong with them, each naming its file
    int64_t lost_iter = -1;  ///< of the newest of them, where its name says it; else -1
  };

  /// The folder must exist when something is saved.
  explicit CheckpointFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path best() const { return folder_ / "ckpt.pt"; }
  std::filesystem::path last() const { return folder_ / "last.pt"; }
  std::filesystem::path numbered(int64_t iter) const;
  /// The checkpoint that evaluate and predict use: the best, else the last, if there is one.
  std::optional<std::filesystem::path> to_evaluate() const;
  /// Those there are, in the order in which a resume wants them: last.pt, iter-NNNNNN.pt from the
  /// highest on, ckpt.pt.
  std::vector<std::filesystem::path> checkpoints() const;

  void save_best(const Value& checkpoint) const;
  /// Replaces last.pt. With keep_last n > 0, iter-NNNNNN.pt is the same file under a second name,
  /// and of those up to `iter` the n newest stay; none is removed before last.pt was read back
  /// whole.
  void save_last(const Value& checkpoint, int64_t iter, int64_t keep_last) const;
  /// The second half of that, for a last.pt of `iter` that stands: a process may have been killed
  /// between the two.
  void number_last(int64_t iter, int64_t keep_last) const;

  /// Calls read(path) for one of checkpoints() after another until one is taken; a DataError of
  /// `read` says that the file is damaged, and so does a disk that cannot read it twice. A file
  /// that may not be opened, or a link that leads nowhere, is no damaged one: throws.
  Newest newest(const std::function<void(const std::filesystem::path&)>& read) const;
  /// The same among those that evaluate and predict use: ckpt.pt, last.pt, iter-NNNNNN.pt from the
  /// highest on.
  Newest best_whole(const std::function<void(const std::filesystem::path&)>& read) const;

  /// Removes what a killed process left of files it was writing. No other process may be saving
  /// here.
  void remove_leftovers() const;

 private:
  static Newest first_whole(std::span<const std::filesystem::path> paths,
                            const std::function<void(const std::filesystem::path&)>& read);
  /// Of the iter-NNNNNN.pt there are, ascending.
  std::vector<int64_t> iterations() const;

  std::filesystem::path folder_;
};

}  // namespace precis
