// How the ranks end where one of them does not go on.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "lib/comm/world_impl.h"

namespace precis {
namespace {

constexpr std::chrono::seconds kLastResort{10};

/// One write, so that the words of several ranks do not mix.
void say(const std::string& message) {
  const std::string line = fmt::format("error: {}\n", message);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

/// Whom a rank waited for in vain.
std::string missed(int size, bool asked, const RollCall::Answers& answers) {
  if (size == 1) return "";
  if (!asked) return " for the other ranks, of which one died, is stopped or hangs";
  if (answers.silent.empty())
    return fmt::format(
        " for another rank, though all of them wait ({}): the network between them fails, or they "
        "wait for each other",
        answers.words);
  if (answers.silent.size() == 1)
    return fmt::format(" for rank {}, which died, is stopped or hangs", answers.silent.front());
  return fmt::format(" for ranks {}, which died, are stopped or hang",
                     fmt::join(answers.silent, ", "));
}

}  // namespace

std::string World::Impl::name() {
  const std::lock_guard lock(activity_mutex);
  return fmt::format("rank {} ({})", rank, activity);
}

void World::Impl::answer_roll_call(const Watchdog::Wait& wait) {
  const std::lock_guard lock(roll_mutex);
  if (roll_call) roll_call->answer(fmt::format("in {}", wait.call));
}

void World::Impl::late(const Watchdog::Wait& wait) {
  RollCall::Answers answers;
  bool asked = false;
  {
    const std::lock_guard lock(roll_mutex);
    asked = roll_call.has_value();
    constexpr double kShortest = 1, kLongest = 5;
    if (asked)
      answers = roll_call->call(fmt::format("in {}", wait.call),
                                std::clamp(wait.limit / 4, kShortest, kLongest));
  }
  if (!answers.is_speaker) {  // who speaks ends this rank as well
    constexpr std::chrono::seconds kOthers{6};
    std::this_thread::sleep_for(kOthers);
    end_all_ranks(ExitCode::kDevice);
  }
  say(
      fmt::format("{} has waited {:.0f} s in {}{}. {} here; run the same line again to go on from "
                  "the last checkpoint (comm.timeout_seconds sets the time)",
                  name(), wait.waited, wait.call, missed(size, asked, answers),
                  size == 1 ? "It ends" : "All ranks end"));
  end_all_ranks(ExitCode::kDevice);
}

void World::Impl::leave_if_launcher_is_gone() {
  if (!launcher.is_gone()) return;
  say(
      fmt::format("{}: {}, which started it, is gone, so it ends here; run the same line again to "
                  "go on from the last checkpoint",
                  name(), launcher.name()));
  ::_exit(static_cast<int>(ExitCode::kDevice));
}

void World::Impl::end_all_ranks(ExitCode code) {
  std::thread([code] {  // MPI_Abort itself may hang
    std::this_thread::sleep_for(kLastResort);
    ::_exit(static_cast<int>(code));
  })
      .detach();
  // Before and after it the launcher takes the end of one rank for the end of all.
  if (is_running) MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  ::_exit(static_cast<int>(code));
}

void World::abort(ExitCode code, const std::string& message) const {
  std::fflush(stdout);
  say(fmt::format("{}: {}", impl_->name(), message));
  impl_->end_all_ranks(code);
}

}  // namespace precis
