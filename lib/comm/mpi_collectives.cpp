#include "lib/comm/mpi_collectives.h"

#include <ATen/ATen.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "lib/base/profile.h"
#include "lib/comm/world_impl.h"

namespace precis {
namespace {

/// Elements of a GPU's tensor on the host at a time: 4 MB are copied at full speed, and the shared
/// memory of a container, often 64 MB for all ranks, has room for them.
constexpr int64_t kStaged = int64_t{1} << 20;

int64_t nanoseconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace

struct MpiCollectives::Shared {
  MPI_Win window = MPI_WIN_NULL;
  std::vector<float*> buffers;  // by rank, as this process sees them
  int64_t numel = 0;
};

struct MpiCollectives::Comm {
  MPI_Comm comm = MPI_COMM_NULL;
};

MpiCollectives::MpiCollectives(const World& world, std::unique_ptr<DeviceCopies> copies)
    : world_(world),
      comm_(std::make_unique<Comm>()),
      copies_(std::move(copies)),
      exceptions_(std::uncaught_exceptions()) {
  const Deadline deadline(world.impl(), "MPI_Comm_dup");
  check_mpi(MPI_Comm_dup(world.impl().active, &comm_->comm), "make a communicator");
  if (copies_) allocate_staging();
  worker_ = std::thread([this] { work(); });
}

MpiCollectives::~MpiCollectives() {
  const Deadline deadline(world_.impl(), "MPI_Win_free");  // the worker may be with peers that left
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  worker_.join();
  if (copies_) copies_->unpin(staging_);
  // What is under way may be known to this rank alone: then nobody else comes to free anything, and
  // the others are told by whoever catches it.
  if (std::uncaught_exceptions() > exceptions_) return;
  for (const auto& shared : shared_) {
    MPI_Win_unlock_all(shared->window);
    MPI_Win_free(&shared->window);
  }
  MPI_Comm_free(&comm_->comm);
}

at::Tensor MpiCollectives::allocate(int64_t numel, at::Device device) {
  world_.impl().require_outside_together("Collectives.allocate");
  if (!device.is_cpu() || world_.local_size() != world_.size())
    return at::zeros({numel}, at::TensorOptions(device).dtype(at::kFloat));
  return at::from_blob(allocate_shared(numel), {numel}, at::kFloat);
}

float* MpiCollectives::allocate_shared(int64_t numel) {
  auto shared = std::make_unique<Shared>();
  shared->numel = numel;
  float* mine = nullptr;
  const auto bytes = static_cast<MPI_Aint>(numel) * static_cast<MPI_Aint>(sizeof(float));
  const Deadline deadline(world_.impl(), "MPI_Win_allocate_shared");
  check_mpi(MPI_Win_allocate_shared(bytes, sizeof(float), MPI_INFO_NULL, comm_->comm,
                                    static_cast<void*>(&mine), &shared->window),
            "allocate shared memory for gradients");
  MPI_Win_lock_all(MPI_MODE_NOCHECK, shared->window);
  for (int r = 0; r < world_.size(); ++r) {
    MPI_Aint size = 0;
    int unit = 0;
    float* base = nullptr;
    check_mpi(MPI_Win_shared_query(shared->window, r, &size, &unit, static_cast<void*>(&base)),
              "see a peer's gradients");
    shared->buffers.push_back(base);
  }
  std::fill_n(mine, numel, 0.0F);
  world_.barrier();
  shared_.push_back(std::move(shared));
  return mine;
}

void MpiCollectives::allocate_staging() {
  if (world_.local_size() == world_.size()) {
    staging_ = allocate_shared(kStaged);
  } else {
    staging_memory_.resize(kStaged);
    staging_ = staging_memory_.data();
  }
  copies_->pin(staging_, kStaged);
}

void MpiCollectives::start_all_reduce(const at::Tensor& part) {
  world_.impl().require_outside_together("Collectives.start_all_reduce");
  Piece piece{part, nullptr};
  if (copies_ && copies_->concerns(part)) piece.computed = copies_->mark();
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(piece));
  }
  changed_.notify_all();
}

void MpiCollectives::wait() {
  world_.impl().require_outside_together("Collectives.wait");
  const Deadline deadline(world_.impl(), "MPI_Ibarrier or MPI_Allreduce of gradients");
  const int64_t began = nanoseconds(CLOCK_MONOTONIC);
  const double met = meeting_seconds();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return queue_.empty() || failure_; });
    if (failure_) std::rethrow_exception(failure_);
  }
  tell_profile(1e-9 * static_cast<double>(nanoseconds(CLOCK_MONOTONIC) - began),
               meeting_seconds() - met);
}

/// How long the worker has waited for peers until now.
double MpiCollectives::meeting_seconds() const {
  const int64_t since = meeting_since_;
  const int64_t meeting = since == 0 ? 0 : nanoseconds(CLOCK_MONOTONIC) - since;
  return 1e-9 * static_cast<double>(met_ + meeting);
}

/// Of a wait() of so many seconds, in `meeting` of which the worker waited for peers.
void MpiCollectives::tell_profile(double seconds, double meeting) {
  const int64_t worked = worked_, untold = worked - std::exchange(told_, worked);
  Profile* profile = profile_of_thread();
  if (profile == nullptr) return;
  const double waiting = std::clamp(meeting, 0.0, seconds);
  profile->add(Part::kWaiting, waiting);
  profile->add(Part::kCommunication, seconds - waiting);
  profile->add_beside(1e-9 * static_cast<double>(untold));
}

void MpiCollectives::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (ending_) return;
    const Piece& piece = queue_.front();  // stays where it is while others are put behind it
    lock.unlock();
    std::exception_ptr failure;
    try {
      reduce(piece);
    } catch (...) {
      failure = std::current_exception();
    }
    worked_ = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    lock.lock();
    queue_.pop_front();
    if (failure) failure_ = failure;
    changed_.notify_all();
  }
}

/// Whether all came; not where this rank is ending.
bool MpiCollectives::meet() {
  const int64_t began = nanoseconds(CLOCK_MONOTONIC);
  meeting_since_ = began;
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(comm_->comm, &request), "meet the others");
  const bool all = wait_politely(request, &ending_);
  meeting_since_ = 0;
  met_ += nanoseconds(CLOCK_MONOTONIC) - began;
  return all;
}

void MpiCollectives::reduce(const Piece& piece) {
  if (piece.computed)
    reduce_staged(piece);
  else
    reduce_host(piece.part.data_ptr<float>(), piece.part.numel());
}

void MpiCollectives::reduce_staged(const Piece& piece) {
  copies_->follow(*piece.computed);
  const at::Tensor flat = piece.part.view({-1});
  for (int64_t begin = 0; begin < flat.numel(); begin += kStaged) {
    const at::Tensor some = flat.narrow(0, begin, std::min(kStaged, flat.numel() - begin));
    copies_->to_host(some, staging_);
    reduce_host(staging_, some.numel());
    copies_->to_device(staging_, some);
  }
}

void MpiCollectives::reduce_host(float* data, int64_t numel) {
  for (const auto& shared : shared_) {
    const float* mine = shared->buffers[static_cast<size_t>(world_.rank())];
    if (data >= mine && data + numel <= mine + shared->numel)
      return reduce_shared(*shared, data - mine, numel);
  }
  if (!meet())
    return;  // sleeping: a late peer costs no CPU here, where the blocking sum would spin
  constexpr int64_t kPiece = 1 << 20;
  for (int64_t begin = 0; begin < numel; begin += kPiece)
    check_mpi(
        MPI_Allreduce(MPI_IN_PLACE, data + begin, static_cast<int>(std::min(kPiece, numel - begin)),
                      MPI_FLOAT, MPI_SUM, comm_->comm),
        "sum gradients");
}

void MpiCollectives::reduce_shared(const Shared& shared, int64_t begin, int64_t count) {
  MPI_Win_sync(shared.window);
  if (!meet()) return;
  MPI_Win_sync(shared.window);
  const int64_t ranks = world_.size(), share = (count + ranks - 1) / ranks;
  const int64_t first = begin + std::min(count, world_.rank() * share),
                last = begin + std::min(count, (world_.rank() + 1) * share);
  constexpr int64_t kPiece = 2048;  // stays in the first-level cache between reading and writing
  float sum[kPiece];
  for (int64_t at = first; at < last; at += kPiece) {
    const int64_t n = std::min(kPiece, last - at);
    std::copy_n(shared.buffers[0] + at, n, sum);
    for (int64_t r = 1; r < ranks; ++r) {
      const float* theirs = shared.buffers[static_cast<size_t>(r)] + at;
      for (int64_t i = 0; i < n; ++i) sum[i] += theirs[i];
    }
    for (int64_t r = 0; r < ranks; ++r)
      std::copy_n(sum, n, shared.buffers[static_cast<size_t>(r)] + at);
  }
  MPI_Win_sync(shared.window);
  if (!meet()) return;
  MPI_Win_sync(shared.window);
}

}  // namespace precis
