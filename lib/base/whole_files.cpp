#include "lib/base/whole_files.h"

#include <fmt/format.h>

#include <utility>

#include "lib/base/errors.h"

namespace precis {

bool WholeFiles::try_to(Waiting& file) const {
  try {
    file.write();
    return true;
  } catch (const Error& error) {
    file.why = error.what();
    return false;
  }
}

void WholeFiles::write(const std::string& name, std::function<void()> write) {
  Waiting file{std::move(write), {}};
  const bool was_waiting = waiting_.contains(name);
  if (try_to(file)) {
    waiting_.erase(name);
    if (was_waiting) tell_(fmt::format("{} is written now", name));
    return;
  }
  if (!was_waiting) tell_(fmt::format("{}; going on, it is kept and tried again", file.why));
  waiting_[name] = std::move(file);
}

void WholeFiles::retry() {
  for (auto file = waiting_.begin(); file != waiting_.end();) {
    if (!try_to(file->second)) {
      ++file;
      continue;
    }
    tell_(fmt::format("{} is written now", file->first));
    file = waiting_.erase(file);
  }
}

std::string WholeFiles::reasons() const {
  std::string all;
  for (const auto& [name, file] : waiting_) all += (all.empty() ? "" : "\n") + file.why;
  return all;
}

}  // namespace precis
