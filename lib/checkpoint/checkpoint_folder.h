// The checkpoints of a run folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/formats/value.h"

namespace precis {

/// Saves ckpt.pt (the best), last.pt and iter-NNNNNN.pt, keeps as many of the latter as are wanted,
/// and finds the newest that is whole. All members throw DataError naming the file.
class CheckpointFolder {
 public:
  /// A checkpoint that was read, and what was wrong with those that were newer.
  struct Found {
    std::filesystem::path path;
    Value content;
    std::vector<std::string> damaged;
  };

  /// The folder must exist when something is saved.
  explicit CheckpointFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path best() const { return folder_ / "ckpt.pt"; }
  std::filesystem::path last() const { return folder_ / "last.pt"; }
  std::filesystem::path numbered(int64_t iter) const;

  void save_best(const Value& checkpoint) const;
  /// Replaces last.pt. With keep_last n > 0, iter-NNNNNN.pt is the same file under a second name,
  /// and of those up to `iter` the n newest stay.
  void save_last(const Value& checkpoint, int64_t iter, int64_t keep_last) const;

  /// last.pt, else the highest iter-NNNNNN.pt, else ckpt.pt: the first that is whole (every
  /// checksum is verified). Nothing where there is none; throws the first one's error where all are
  /// damaged.
  std::optional<Found> newest() const;

  /// Removes what a killed process left of files it was writing. No other process may be saving
  /// here.
  void remove_leftovers() const;

 private:
  /// Of the iter-NNNNNN.pt there are, ascending.
  std::vector<int64_t> iterations() const;

  std::filesystem::path folder_;
};

}  // namespace precis
