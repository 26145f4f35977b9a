// Who started this rank, and whether it still lives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace precis {

/// Whether this process is a rank that a launcher started (mpirun, srun), and not a program by
/// itself.
bool is_launched();

/// The processes between this rank and its launcher, the launcher among them: mpirun or its daemon,
/// Slurm's step daemon; where none of them is known by its name, the parent alone. What started the
/// launcher (a shell, a terminal, a batch script) is not looked at: under nohup a run outlives it.
/// A program that no launcher started has none, and outlives everybody.
class Launcher {
 public:
  /// Call before threads are made. Asks the kernel for SIGCONT when the parent dies, so that a rank
  /// that was stopped can notice it, too.
  Launcher();

  /// Whether it has died. The rank is then nobody's: MPI can neither end nor abort it.
  bool is_gone() const;
  /// "mpirun (process 4711)"
  std::string name() const;

 private:
  struct Ancestor {
    int64_t pid = 0;
    uint64_t started = 0;
    std::string name;
  };
  std::vector<Ancestor> ancestors_;  // the parent first
};

}  // namespace precis
