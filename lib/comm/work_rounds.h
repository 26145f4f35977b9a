// Work that every rank does at its own pace: what is finished goes to the root, and a wish to stop
// to all, while nobody waits for anybody.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/comm/world.h"

namespace precis {

/// The ranks' talk while they work. Twice a second each of them begins a round, a non-blocking
/// collective in which it says whether it was asked to stop, whether it has ended, and how much it
/// hands in; it goes on working, and looks for the round's end between two pieces of work. In the
/// last round all have ended. One object serves one piece of common work; from its making to the
/// end of finish() no other collective of World may be called.
class WorkRounds {
 public:
  struct Settings {
    std::function<bool()> stop_requested = {};  ///< of this rank, by a signal; none: never
    /// Called on the root with what a rank handed in, in the order in which that rank did.
    std::function<void(std::string_view pieces)> receive = {};
    std::chrono::milliseconds interval{500};
  };
  /// Uses the world.
  WorkRounds(const World& world, Settings settings);
  WorkRounds(const WorkRounds&) = delete;
  WorkRounds& operator=(const WorkRounds&) = delete;
  ~WorkRounds();

  /// Hands in a piece for the root, which gets it whole.
  void give(std::string_view piece) { waiting_ += piece; }
  /// Between two pieces of work: moves the talk on without waiting. Whether this rank is to leave
  /// its work where it is, because it or another one was asked to stop.
  bool should_stop();
  /// Collective. This rank's work has ended; `is_done`: all of it was done. Waits politely for the
  /// others, each round within the time-out of collectives. Returns, alike on all ranks, whether
  /// all work of all ranks was done.
  bool finish(bool is_done);

 private:
  struct Talk;  // what MPI holds
  void advance();
  void begin_round();
  void end_round();
  void end_gathering();

  const World& world_;
  Settings settings_;
  std::unique_ptr<Talk> talk_;
  std::string waiting_;  // not yet handed in
  std::chrono::steady_clock::time_point begun_;
  bool stops_ = false;  // some rank was asked to
  bool has_ended_ = false, is_done_ = false;
  bool is_over_ = false, all_done_ = false;
  int64_t num_rounds_ = 0;  // that have ended
};

}  // namespace precis
