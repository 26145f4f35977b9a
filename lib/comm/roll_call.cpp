#include "lib/comm/roll_call.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <thread>

namespace precis {
namespace {

constexpr int kCall = 1, kAnswer = 2;

}  // namespace

/// Errors are not looked at: a rank that cannot be told is one that does not answer.
void RollCall::send(int to, int tag, const std::string& words) {
  sent_.push_back(words);
  MPI_Request request = MPI_REQUEST_NULL;
  if (MPI_Isend(sent_.back().data(), static_cast<int>(sent_.back().size()), MPI_BYTE, to, tag,
                comm_, &request) == MPI_SUCCESS)
    MPI_Request_free(&request);
}

bool RollCall::receive(int& from, int& tag, std::string& words) const {
  int there = 0, length = 0;
  MPI_Status status;
  if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_, &there, &status) != MPI_SUCCESS || there == 0)
    return false;
  MPI_Get_count(&status, MPI_BYTE, &length);
  words.assign(static_cast<size_t>(length), ' ');
  from = status.MPI_SOURCE;
  tag = status.MPI_TAG;
  return MPI_Recv(words.data(), length, MPI_BYTE, from, tag, comm_, MPI_STATUS_IGNORE) ==
         MPI_SUCCESS;
}

void RollCall::answer(const std::string& words) {
  int from = 0, tag = 0;
  for (std::string theirs; receive(from, tag, theirs);) {
    if (tag != kCall) continue;
    heard_call_ = true;
    send(from, kAnswer, words);
  }
}

RollCall::Answers RollCall::call(const std::string& words, double seconds) {
  using Clock = std::chrono::steady_clock;
  Answers answers;
  answers.is_speaker = !heard_call_;
  for (int rank = 0; rank < size_; ++rank)
    if (rank != rank_) send(rank, kCall, words);
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::map<int, std::string> heard;
  while (static_cast<int>(heard.size()) + 1 < size_ && Clock::now() < end) {
    int from = 0, tag = 0;
    std::string theirs;
    if (!receive(from, tag, theirs)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    // Who calls at the same time has said with it that it lives; the lower of them speaks.
    if (tag == kCall && from < rank_) answers.is_speaker = false;
    heard[from] = theirs;
  }
  for (int rank = 0; rank < size_; ++rank) {
    const auto found = heard.find(rank);
    if (found != heard.end())
      answers.words +=
          fmt::format("{}rank {}: {}", answers.words.empty() ? "" : "; ", rank, found->second);
    else if (rank != rank_)
      answers.silent.push_back(rank);
  }
  return answers;
}

}  // namespace precis
