#include "lib/comm/nccl_connect.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "lib/comm/world_impl.h"

namespace precis {
namespace {

/// Collective. Whether all ranks come here within this time. If not, the process must end.
bool meet_within(const World::Impl& world, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(seconds));
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(world.active, &request), "meet the others");
  for (int done = 0;;) {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "wait for a peer");
    if (done != 0) return true;
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// What ranks say, each reason once; with the first rank that has it where there are several.
std::string reasons_of(const std::vector<std::string>& said) {
  std::vector<std::string> different;
  std::string text;
  for (size_t rank = 0; rank < said.size(); ++rank) {
    if (said[rank].empty() || std::ranges::find(different, said[rank]) != different.end()) continue;
    different.push_back(said[rank]);
    text += fmt::format("{}rank {}: {}", text.empty() ? "" : "; ", rank, said[rank]);
  }
  return different.size() == 1 ? different.front() : text;
}

}  // namespace

void connect_together(const World& world, NcclSession& session, double grace_seconds) {
  std::string id;
  world.together([&] {
    if (world.is_root()) id = session.unique_id();
  });
  id = world.broadcast(id);
  std::string failure;
  try {
    session.connect(world.size(), id, world.rank());
  } catch (const DeviceError& error) {
    failure = error.what();
  }
  if (failure.empty())
    world.barrier();
  else if (!meet_within(world.impl(), grace_seconds))
    throw DeviceError(failure);
  const std::string reasons = reasons_of(world.all_gather(failure));
  if (!reasons.empty()) throw SharedError(ExitCode::kDevice, reasons);
}

}  // namespace precis
