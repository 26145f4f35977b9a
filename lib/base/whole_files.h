// Files that are written at once, and written later where that fails.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "lib/base/append_file.h"

namespace precis {

/// Writes files by what makes them. One that fails ends nothing: `tell` hears of it once, it is
/// kept and tried again by retry(), and `tell` hears when it is there. Used by one thread.
class WholeFiles {
 public:
  explicit WholeFiles(Tell tell) : tell_(std::move(tell)) {}

  /// Writes the file `name` by calling `write`, which throws an Error naming the path where that
  /// fails; it then may be called again. A newer one of a name takes the place of one that waits.
  void write(const std::string& name, std::function<void()> write);
  /// Tries all that wait.
  void retry();
  bool is_complete() const { return waiting_.empty(); }
  /// Why those that wait could not be written, a line each.
  std::string reasons() const;

 private:
  struct Waiting {
    std::function<void()> write;
    std::string why;
  };
  bool try_to(Waiting& file) const;

  Tell tell_;
  std::map<std::string, Waiting> waiting_;
};

}  // namespace precis
