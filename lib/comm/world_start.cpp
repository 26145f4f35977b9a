// MPI's start and end.
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>
#include <vector>

#include "lib/comm/temporary_folder.h"
#include "lib/comm/world_impl.h"

namespace precis {
namespace {

/// Containers may forbid process_vm_readv, with which Open MPI copies between processes: then it
/// must do without. The first name is that of version 4, the second of 5 and later.
void prepare_copies() {
  char from = 1, to = 0;
  const iovec local{&to, 1}, remote{&from, 1};
  if (::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0) == 1) return;
  ::setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
  ::setenv("OMPI_MCA_smsc", "^cma", 0);
}

/// Open MPI's singleton start forks a helper that needs ssh and leaves files behind; this one does
/// neither. All such programs of a user would share the folders of one session, and one that ends
/// removes them while another makes them, which then fails in MPI_Init: they need none. A launched
/// rank has its own, and its temporary folder from the launcher.
void prepare_singleton() {
  if (is_launched()) return;
  ::setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  ::setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
  prepare_temporary_folder();
}

/// What the launcher says of this rank, to be told by before MPI itself says it.
int64_t launched_as(std::initializer_list<const char*> names, int64_t otherwise) {
  for (const char* name : names)
    if (const char* value = is_launched() ? std::getenv(name) : nullptr)
      return std::strtoll(value, nullptr, 10);
  return otherwise;
}

}  // namespace

World::Impl::Impl(double timeout_seconds)
    : rank(static_cast<int>(launched_as({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}, 0))),
      size(static_cast<int>(launched_as({"OMPI_COMM_WORLD_SIZE", "SLURM_NTASKS", "PMI_SIZE"}, 1))),
      timeout(timeout_seconds),
      watchdog({.late = [this](const Watchdog::Wait& wait) { late(wait); },
                .waiting = [this](const Watchdog::Wait& wait) { answer_roll_call(wait); },
                .always = [this] { leave_if_launcher_is_gone(); }}) {}

void World::Impl::start() {
  prepare_singleton();
  prepare_copies();
  int provided = 0;
  {
    const Deadline deadline(*this, "MPI_Init");
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "start");
  }
  if (provided < MPI_THREAD_MULTIPLE)
    throw DeviceError(
        "this MPI library does not allow calls from several threads (MPI_THREAD_MULTIPLE), which "
        "Precis needs");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  is_running = true;
  const Deadline deadline(*this, "MPI_Comm_dup");
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm), "make a communicator");
  MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
  check_mpi(MPI_Comm_dup(comm, &calls), "make a communicator");
  active = comm;
  if (size > 1) {
    const std::lock_guard lock(roll_mutex);
    roll_call.emplace(calls, rank, size);
  }
}

/// Nodes are numbered in the order of their first ranks.
void World::Impl::find_nodes() {
  MPI_Comm local = MPI_COMM_NULL;
  {
    const Deadline deadline(*this, "MPI_Comm_split_type");
    check_mpi(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &local),
              "find the ranks of this node");
  }
  MPI_Comm_rank(local, &local_rank);
  MPI_Comm_size(local, &local_size);
  int leader = rank;
  std::vector<int> leaders(static_cast<size_t>(size));
  {
    const Deadline deadline(*this, "MPI_Allgather");
    check_mpi(MPI_Bcast(&leader, 1, MPI_INT, 0, local), "broadcast the first rank of a node");
    check_mpi(MPI_Allgather(&leader, 1, MPI_INT, leaders.data(), 1, MPI_INT, comm),
              "gather the first ranks of all nodes");
  }
  num_nodes = 0;
  for (int r = 0; r < size; ++r) {
    if (leaders[static_cast<size_t>(r)] != r) continue;
    if (r == leader) node = num_nodes;
    ++num_nodes;
  }
  MPI_Comm_free(&local);
}

void World::Impl::meet_all() {
  const Deadline deadline(*this, "MPI_Ibarrier");
  MPI_Request request = MPI_REQUEST_NULL;
  try {
    if (MPI_Ibarrier(comm, &request) == MPI_SUCCESS) wait_politely(request);
  } catch (const DeviceError&) {  // MPI_Finalize tells the rest
  }
}

void World::Impl::end() {
  if (has_spares) meet_all();
  meet_all();  // while it can be told who does not come
  {
    const std::lock_guard lock(roll_mutex);
    roll_call.reset();
  }
  const Deadline deadline(*this, "MPI_Finalize");
  is_running = false;
  if (active != comm && active != MPI_COMM_NULL) MPI_Comm_free(&active);
  MPI_Comm_free(&calls);
  MPI_Comm_free(&comm);
  MPI_Finalize();
}

}  // namespace precis
