// Who still answers, when a rank has waited too long for another.
#pragma once

#include <mpi.h>

#include <list>
#include <string>
#include <vector>

namespace precis {

/// Small messages between the watchdogs of ranks. Nothing here waits for a peer. Not thread-safe.
class RollCall {
 public:
  /// What came of a call.
  struct Answers {
    std::vector<int> silent;  ///< ranks that said nothing
    bool is_speaker = true;   ///< whether it is for this rank to tell people; of several that
                              ///< called only one
    std::string words;        ///< of those that answered: "rank 1: in MPI_Ibarrier"
  };

  /// `comm`: for this alone; not to be freed while this is in use.
  RollCall(MPI_Comm comm, int rank, int size) : comm_(comm), rank_(rank), size_(size) {}

  /// Tells those who have called by now that this rank lives, and what it does.
  void answer(const std::string& words);
  /// Calls all others, and listens for so many seconds, or until all have answered.
  Answers call(const std::string& words, double seconds);

 private:
  void send(int to, int tag, const std::string& words);
  bool receive(int& from, int& tag, std::string& words) const;

  MPI_Comm comm_;
  int rank_, size_;
  bool heard_call_ = false;
  std::list<std::string> sent_;  // MPI may not have read them yet; few, as the run is at its end
};

}  // namespace precis
