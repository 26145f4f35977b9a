#include "lib/comm/nccl_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "lib/base/errors.h"

namespace precis {
namespace {

/// Between two looks: most calls end within microseconds, and some wait for a peer for minutes.
class Pause {
 public:
  void operator()() {
    if (++looks_ <= 50)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::chrono::microseconds(looks_ <= 1000 ? 20 : 200));
  }

 private:
  int looks_ = 0;
};

}  // namespace

NcclSession::NcclSession(NcclApi& api, std::function<double()> timeout)
    : api_(api), timeout_(std::move(timeout)), exceptions_(std::uncaught_exceptions()) {}

NcclSession::~NcclSession() {
  if (!api_.has_communicator()) return;
  try {
    const bool unwinding = std::uncaught_exceptions() > exceptions_;
    if (!unwinding && !in_flight_ && finalize())
      api_.destroy();
    else
      api_.abort();
  } catch (...) {  // the process ends, and its communicator with it
  }
}

bool NcclSession::finalize() {
  // Peers end at the same time or not at all; the result of the run is there already.
  const auto end = std::min(limit(), Clock::now() + std::chrono::seconds(30));
  int state = api_.finalize();
  for (Pause pause; state == kNcclInProgress && Clock::now() < end; state = ask()) pause();
  return state == kNcclSuccess;
}

NcclSession::Clock::time_point NcclSession::limit() const {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(timeout_()));
}

int NcclSession::ask() {
  int state = kNcclSuccess;
  const int asked = api_.async_error(state);
  return asked == kNcclSuccess ? state : asked;
}

void NcclSession::require_alive() const {
  if (!failure_.empty()) throw DeviceError(failure_);
}

void NcclSession::end_with(const std::string& message) {
  failure_ = message;
  in_flight_ = false;
  if (api_.has_communicator()) api_.abort();
  throw DeviceError(message);
}

void NcclSession::fail(int result, const Doing& doing) {
  const std::string reason = api_.error_text(result);  // before abort: it has words of its own
  const bool hints = reason.find("NCCL_DEBUG") != std::string::npos;
  end_with(fmt::format("NCCL could not {} ({}): {}. {}comm.backend=mpi does without NCCL",
                       doing.what, doing.call, reason,
                       hints ? "" : "NCCL_DEBUG=INFO tells more; "));
}

void NcclSession::fail_late(const Doing& doing) {
  end_with(fmt::format(
      "NCCL could not {} within {:g} s ({}): another rank died or hangs, or the network between "
      "them is closed. NCCL_DEBUG=INFO tells more; comm.timeout_seconds sets the time",
      doing.what, timeout_(), doing.call));
}

void NcclSession::settle(int result, const Doing& doing) {
  const auto end = limit();
  for (Pause pause; result == kNcclInProgress; result = ask()) {
    if (Clock::now() > end) fail_late(doing);
    pause();
  }
  if (result != kNcclSuccess) fail(result, doing);
}

std::string NcclSession::unique_id() {
  require_alive();
  std::string id;
  settle(api_.unique_id(id), {"make its id", "ncclGetUniqueId"});
  return id;
}

void NcclSession::connect(int size, const std::string& id, int rank) {
  require_alive();
  settle(api_.init(size, id, rank), {"connect the GPUs", "ncclCommInitRankConfig"});
}

void NcclSession::all_reduce(float* data, int64_t numel) {
  require_alive();
  in_flight_ = true;
  // A communicator that does not block takes no call before the last one has its result.
  settle(api_.all_reduce(data, numel), {"sum gradients", "ncclAllReduce"});
}

void NcclSession::wait() {
  require_alive();
  if (!in_flight_) return;
  constexpr Doing kDoing{"sum gradients", "ncclAllReduce"};
  api_.mark_end();
  const auto end = limit();
  for (Pause pause; !api_.reached_end(); pause()) {
    const int state = ask();
    if (state != kNcclSuccess && state != kNcclInProgress) fail(state, kDoing);
    if (Clock::now() > end) fail_late(kDoing);
  }
  in_flight_ = false;
}

}  // namespace precis
