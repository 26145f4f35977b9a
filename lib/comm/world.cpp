#include "lib/comm/world.h"

#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <numeric>
#include <stdexcept>

#include "lib/base/profile.h"
#include "lib/comm/temporary_folder.h"
#include "lib/comm/torch_failure.h"
#include "lib/comm/world_impl.h"

namespace precis {
namespace {

using Clock = std::chrono::steady_clock;

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

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
/// neither. A launched rank has its own, and its temporary folder from the launcher.
void prepare_singleton() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(name) != nullptr) return;
  ::setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  prepare_temporary_folder();
}

std::vector<std::string> split(const std::string& bytes, std::span<const int> sizes) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (const int size : sizes) {
    parts.push_back(bytes.substr(begin, static_cast<size_t>(size)));
    begin += static_cast<size_t>(size);
  }
  return parts;
}

/// The sizes of what each rank brings, and where it begins when all is put together.
struct Parts {
  std::vector<int> sizes, starts;

  Parts(const World::Impl& world, const std::string& mine)
      : sizes(static_cast<size_t>(world.size)), starts(sizes.size()) {
    const int length = static_cast<int>(mine.size());
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Iallgather(&length, 1, MPI_INT, sizes.data(), 1, MPI_INT, world.active, &request),
              "gather sizes");
    wait_politely(request);
    std::exclusive_scan(sizes.begin(), sizes.end(), starts.begin(), 0);
  }
  size_t total() const { return static_cast<size_t>(starts.back() + sizes.back()); }
};

}  // namespace

void check_mpi(int result, const char* what) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(result, text, &length);
  throw DeviceError(
      fmt::format("MPI could not {}: {}", what, std::string(text, static_cast<size_t>(length))));
}

void wait_politely(MPI_Request& request) {
  const ProfileScope scope(Part::kWaiting);
  int done = 0;
  int64_t pause = 20'000;  // nanoseconds; grows, since a long wait may be noticed a little later
  for (;;) {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "wait for a peer");
    if (done != 0) return;
    const timespec nap{0, pause};
    ::nanosleep(&nap, nullptr);
    pause = std::min<int64_t>(pause * 5 / 4, 500'000);
  }
}

Deadline::Deadline(World::Impl& impl) : impl_(impl), before_(impl.deadline) {
  impl_.deadline = now() + static_cast<int64_t>(impl.timeout * 1e9);
}

void World::Impl::require_outside_together(const char* collective) const {
  if (in_together)
    throw std::logic_error(
        fmt::format("{} is collective, but was called in the work of World.together", collective));
}

void World::Impl::watch() {
  while (!ending) {
    const timespec nap{0, 50'000'000};
    ::nanosleep(&nap, nullptr);
    const int64_t limit = deadline;
    if (limit == 0 || now() < limit) continue;
    std::fprintf(stderr,
                 "error: rank %d waited more than %.0f s for another rank, which died, is stopped "
                 "or hangs. All ranks end here; run the same line again to "
                 "go on from the last checkpoint (comm.timeout_seconds sets the time)\n",
                 rank, timeout.load());
    std::thread([] {  // MPI_Abort itself may hang
      std::this_thread::sleep_for(std::chrono::seconds(10));
      ::_exit(static_cast<int>(ExitCode::kDevice));
    })
        .detach();
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(ExitCode::kDevice));
  }
}

World::World() : impl_(std::make_unique<Impl>()) {
  prepare_singleton();
  prepare_copies();
  int provided = 0;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "start");
  Impl& w = *impl_;
  if (provided < MPI_THREAD_MULTIPLE)
    throw DeviceError(
        "this MPI library does not allow calls from several threads (MPI_THREAD_MULTIPLE), which "
        "Precis needs");
  MPI_Comm_dup(MPI_COMM_WORLD, &w.comm);
  MPI_Comm_set_errhandler(w.comm, MPI_ERRORS_RETURN);
  MPI_Comm_rank(w.comm, &w.rank);
  MPI_Comm_size(w.comm, &w.size);
  MPI_Comm local = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(w.comm, MPI_COMM_TYPE_SHARED, w.rank, MPI_INFO_NULL, &local),
            "find the ranks of this node");
  MPI_Comm_rank(local, &w.local_rank);
  MPI_Comm_size(local, &w.local_size);
  // Nodes are numbered in the order of their first ranks.
  int leader = w.rank;
  MPI_Bcast(&leader, 1, MPI_INT, 0, local);
  std::vector<int> leaders(static_cast<size_t>(w.size));
  MPI_Allgather(&leader, 1, MPI_INT, leaders.data(), 1, MPI_INT, w.comm);
  w.num_nodes = 0;
  for (int r = 0; r < w.size; ++r) {
    if (leaders[static_cast<size_t>(r)] != r) continue;
    if (r == leader) w.node = w.num_nodes;
    ++w.num_nodes;
  }
  MPI_Comm_free(&local);
  w.active = w.comm;
  if (w.size > 1) w.watchdog = std::thread([&w] { w.watch(); });
}

World::~World() {
  Impl& w = *impl_;
  if (w.has_spares) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(w.comm, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
  }
  w.ending = true;
  if (w.watchdog.joinable()) w.watchdog.join();
  if (w.active != w.comm && w.active != MPI_COMM_NULL) MPI_Comm_free(&w.active);
  MPI_Comm_free(&w.comm);
  MPI_Finalize();
}

int World::rank() const {
  return impl_->rank;
}
int World::size() const {
  return impl_->size;
}
int World::local_rank() const {
  return impl_->local_rank;
}
int World::local_size() const {
  return impl_->local_size;
}
int World::num_nodes() const {
  return impl_->num_nodes;
}
int World::node() const {
  return impl_->node;
}
void World::set_timeout(double seconds) {
  impl_->timeout = seconds;
}

void World::sum(std::span<double> values) const {
  impl_->require_outside_together("World.sum");
  if (size() == 1) return;
  const Deadline deadline(*impl_);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE,
                           MPI_SUM, impl_->active, &request),
            "sum values");
  wait_politely(request);
}

std::vector<std::string> World::all_gather(const std::string& mine) const {
  impl_->require_outside_together("World.all_gather");
  if (size() == 1) return {mine};
  const Deadline deadline(*impl_);
  const Parts parts(*impl_, mine);
  std::string all(parts.total(), '\0');
  check_mpi(MPI_Allgatherv(mine.data(), static_cast<int>(mine.size()), MPI_BYTE, all.data(),
                           parts.sizes.data(), parts.starts.data(), MPI_BYTE, impl_->active),
            "gather values");
  return split(all, parts.sizes);
}

std::vector<std::string> World::gather(const std::string& mine) const {
  impl_->require_outside_together("World.gather");
  if (size() == 1) return {mine};
  const Deadline deadline(*impl_);
  const Parts parts(*impl_, mine);
  std::string all(is_root() ? parts.total() : 0, '\0');
  check_mpi(MPI_Gatherv(mine.data(), static_cast<int>(mine.size()), MPI_BYTE, all.data(),
                        parts.sizes.data(), parts.starts.data(), MPI_BYTE, 0, impl_->active),
            "gather values");
  return is_root() ? split(all, parts.sizes) : std::vector<std::string>{};
}

std::string World::broadcast(const std::string& roots) const {
  impl_->require_outside_together("World.broadcast");
  if (size() == 1) return roots;
  const Deadline deadline(*impl_);
  auto length = static_cast<uint64_t>(roots.size());
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibcast(&length, 1, MPI_UINT64_T, 0, impl_->active, &request), "broadcast a size");
  wait_politely(request);
  std::string bytes = is_root() ? roots : std::string(length, '\0');
  constexpr uint64_t kPiece = uint64_t{1} << 30;  // MPI counts are int
  for (uint64_t at = 0; at < length; at += kPiece)
    check_mpi(MPI_Bcast(bytes.data() + at, static_cast<int>(std::min(kPiece, length - at)),
                        MPI_BYTE, 0, impl_->active),
              "broadcast values");
  return bytes;
}

void World::barrier() const {
  impl_->require_outside_together("World.barrier");
  if (size() == 1) return;
  const Deadline deadline(*impl_);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(impl_->active, &request), "meet the others");
  wait_politely(request);
}

void World::together(const std::function<void()>& work) const {
  impl_->require_outside_together("World.together");
  std::string report;  // exit code, blank, message; empty: all is well
  impl_->in_together = true;
  try {
    work();
  } catch (...) {
    const Failure failure = describe_torch_failure(std::current_exception());
    report = fmt::format("{} {}", failure.code, failure.message);
  }
  impl_->in_together = false;
  for (const std::string& said : all_gather(report)) {
    if (said.empty()) continue;
    const size_t blank = said.find(' ');
    const auto code = static_cast<ExitCode>(std::stoi(said.substr(0, blank)));
    throw SharedError(code, said.substr(blank + 1));
  }
}

void World::continue_with_root() {
  impl_->require_outside_together("World.continue_with_root");
  Impl& w = *impl_;
  w.has_spares = true;
  if (w.rank != 0) return;
  w.size = w.local_size = w.num_nodes = 1;
}

void World::wait_as_spare() const {
  impl_->require_outside_together("World.wait_as_spare");
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(impl_->comm, &request);
  impl_->has_spares = false;
  int done = 0;
  while (MPI_Test(&request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && done == 0) {
    const timespec nap{0, 50'000'000};
    ::nanosleep(&nap, nullptr);
  }
}

void World::abort(ExitCode code, const std::string& message) const {
  std::fprintf(stderr, "error: rank %d: %s\n", rank(), message.c_str());
  std::fflush(stderr);
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  ::_exit(static_cast<int>(code));
}

}  // namespace precis
