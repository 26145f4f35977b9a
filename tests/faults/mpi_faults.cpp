// Preloaded into the ranks of a run by ranks_test.py: one of them fails at one of its MPI calls.
//   PRECIS_MPI_CALLS  a file: every rank 0 appends the name of each call it makes
//   PRECIS_MPI_FAULT  FAULT:RANK:NUMBER, as kill:1:12: rank 1 at its 12th call. kill, stop: by that
//                     signal; throw: the call throws; hang: it never returns; launcher: the rank's
//                     parent is killed
//   PRECIS_MPI_STAMP  a file that is made at that moment
// MPI_Test is not counted: how often it is called is a matter of time.
#include <mpi.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>

namespace {

std::mutex mutex;
int num_calls = 0;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void fail(const std::string& fault) {
  if (std::FILE* stamp = std::fopen(variable("PRECIS_MPI_STAMP").c_str(), "w")) std::fclose(stamp);
  if (fault == "kill") ::raise(SIGKILL);
  if (fault == "stop") ::kill(::getpid(), SIGSTOP);
  if (fault == "launcher") ::kill(::getppid(), SIGKILL);
  if (fault == "throw") throw std::runtime_error("thrown by a test");
  if (fault == "hang")
    for (;;) ::sleep(1);
}

/// Every call comes by here first.
void count(const char* call) {
  const std::string rank = variable("OMPI_COMM_WORLD_RANK"), fault = variable("PRECIS_MPI_FAULT");
  int number = 0;
  {
    const std::lock_guard lock(mutex);
    number = ++num_calls;
    const std::string calls = variable("PRECIS_MPI_CALLS");
    if (rank == "0" && !calls.empty()) {
      if (std::FILE* file = std::fopen(calls.c_str(), "a")) {
        std::fprintf(file, "%s\n", call);
        std::fclose(file);
      }
    }
  }
  const size_t colon = fault.find(':');
  if (colon != std::string::npos && fault.substr(colon + 1) == rank + ":" + std::to_string(number))
    fail(fault.substr(0, colon));
}

}  // namespace

#define PRECIS_COUNTED(name, parameters, arguments) \
  extern "C" int name parameters {                  \
    count(#name);                                   \
    return P##name arguments;                       \
  }

PRECIS_COUNTED(MPI_Init_thread, (int* c, char*** v, int wanted, int* given), (c, v, wanted, given))
PRECIS_COUNTED(MPI_Finalize, (), ())
PRECIS_COUNTED(MPI_Comm_dup, (MPI_Comm comm, MPI_Comm* made), (comm, made))
PRECIS_COUNTED(MPI_Comm_free, (MPI_Comm * comm), (comm))
PRECIS_COUNTED(MPI_Comm_split_type,
               (MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm* made),
               (comm, type, key, info, made))
PRECIS_COUNTED(MPI_Bcast, (void* data, int n, MPI_Datatype type, int root, MPI_Comm comm),
               (data, n, type, root, comm))
PRECIS_COUNTED(MPI_Ibcast,
               (void* data, int n, MPI_Datatype type, int root, MPI_Comm comm,
                MPI_Request* request),
               (data, n, type, root, comm, request))
PRECIS_COUNTED(MPI_Allgather,
               (const void* data, int n, MPI_Datatype type, void* all, int m, MPI_Datatype kind,
                MPI_Comm comm),
               (data, n, type, all, m, kind, comm))
PRECIS_COUNTED(MPI_Iallgather,
               (const void* data, int n, MPI_Datatype type, void* all, int m, MPI_Datatype kind,
                MPI_Comm comm, MPI_Request* request),
               (data, n, type, all, m, kind, comm, request))
PRECIS_COUNTED(MPI_Allgatherv,
               (const void* data, int n, MPI_Datatype type, void* all, const int* sizes,
                const int* starts, MPI_Datatype kind, MPI_Comm comm),
               (data, n, type, all, sizes, starts, kind, comm))
PRECIS_COUNTED(MPI_Gatherv,
               (const void* data, int n, MPI_Datatype type, void* all, const int* sizes,
                const int* starts, MPI_Datatype kind, int root, MPI_Comm comm),
               (data, n, type, all, sizes, starts, kind, root, comm))
PRECIS_COUNTED(MPI_Iallreduce,
               (const void* data, void* sums, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                MPI_Request* request),
               (data, sums, n, type, op, comm, request))
PRECIS_COUNTED(MPI_Allreduce,
               (const void* data, void* sums, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm),
               (data, sums, n, type, op, comm))
PRECIS_COUNTED(MPI_Ibarrier, (MPI_Comm comm, MPI_Request* request), (comm, request))
PRECIS_COUNTED(MPI_Win_allocate_shared,
               (MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void* base, MPI_Win* window),
               (size, unit, info, comm, base, window))
PRECIS_COUNTED(MPI_Win_free, (MPI_Win * window), (window))
