#include "lib/comm/launcher.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "lib/base/process.h"

namespace precis {
namespace {

/// Open MPI's launchers and daemons of versions 4 to 6, Slurm's.
constexpr std::array<std::string_view, 8> kLaunchers{"mpirun",  "mpiexec", "orterun",    "orted",
                                                     "prterun", "prted",   "slurmstepd", "prte"};

bool is_launcher(const std::string& name) {
  return std::ranges::find(kLaunchers, name) != kLaunchers.end();
}

}  // namespace

bool is_launched() {
  constexpr std::array kSet{"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"};
  return std::ranges::any_of(kSet, [](const char* name) { return std::getenv(name) != nullptr; });
}

Launcher::Launcher() {
  if (!is_launched()) return;
  ::prctl(PR_SET_PDEATHSIG, SIGCONT);
  for (int64_t pid = ::getppid(); pid > 1;) {
    const auto status = process_status(pid);
    if (!status) break;
    ancestors_.push_back({pid, status->started, status->name});
    if (is_launcher(status->name)) return;
    pid = status->parent;
  }
  ancestors_.resize(std::min<size_t>(ancestors_.size(), 1));
}

bool Launcher::is_gone() const {
  if (ancestors_.empty()) return false;
  if (::getppid() != ancestors_.front().pid) return true;
  for (size_t i = 1; i < ancestors_.size(); ++i) {
    const auto status = process_status(ancestors_[i].pid);
    if (!status || status->is_dead() || status->started != ancestors_[i].started) return true;
  }
  return false;
}

std::string Launcher::name() const {
  if (ancestors_.empty()) return "no launcher";
  return fmt::format("{} (process {})", ancestors_.back().name, ancestors_.back().pid);
}

}  // namespace precis
