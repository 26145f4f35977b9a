#include "lib/comm/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <exception>
#include <numeric>
#include <stdexcept>

#include "lib/base/profile.h"
#include "lib/comm/torch_failure.h"
#include "lib/comm/world_impl.h"

namespace precis {
namespace {

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

bool wait_politely(MPI_Request& request, const std::atomic<bool>* given_up) {
  const ProfileScope scope(Part::kWaiting);
  int done = 0;
  int64_t pause = 20'000;  // nanoseconds; grows, since a long wait may be noticed a little later
  while (given_up == nullptr || !*given_up) {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "wait for a peer");
    if (done != 0) return true;
    const timespec nap{0, pause};
    ::nanosleep(&nap, nullptr);
    pause = std::min<int64_t>(pause * 5 / 4, 500'000);
  }
  return false;
}

void World::Impl::require_outside_together(const char* collective) const {
  if (in_together)
    throw std::logic_error(
        fmt::format("{} is collective, but was called in the work of World.together", collective));
}

World::World(double timeout_seconds) : impl_(std::make_unique<Impl>(timeout_seconds)) {
  impl_->start();
  impl_->find_nodes();
}

World::~World() {
  impl_->end();
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

void World::set_activity(const std::string& activity) const {
  const std::lock_guard lock(impl_->activity_mutex);
  impl_->activity = activity;
}

void World::sum(std::span<double> values) const {
  impl_->require_outside_together("World.sum");
  if (size() == 1) return;
  const Deadline deadline(*impl_, "MPI_Iallreduce");
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE,
                           MPI_SUM, impl_->active, &request),
            "sum values");
  wait_politely(request);
}

std::vector<std::string> World::all_gather(const std::string& mine) const {
  impl_->require_outside_together("World.all_gather");
  if (size() == 1) return {mine};
  const Deadline deadline(*impl_, "MPI_Allgatherv");
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
  const Deadline deadline(*impl_, "MPI_Gatherv");
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
  const Deadline deadline(*impl_, "MPI_Bcast");
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
  const Deadline deadline(*impl_, "MPI_Ibarrier");
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

}  // namespace precis
