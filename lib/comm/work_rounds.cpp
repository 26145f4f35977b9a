#include "lib/comm/work_rounds.h"

#include <algorithm>
#include <ctime>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "lib/comm/world_impl.h"

namespace precis {

namespace {

using Clock = std::chrono::steady_clock;

/// What a rank says in a round.
struct Word {
  int64_t stops = 0, has_ended = 0, is_done = 0, bytes = 0;
};
constexpr int kWordSize = sizeof(Word) / sizeof(int64_t);

}  // namespace

struct WorkRounds::Talk {
  enum class State { kIdle, kWords, kPieces };
  State state = State::kIdle;
  MPI_Request request = MPI_REQUEST_NULL;
  Word mine;
  std::vector<Word> words;  // of each rank
  std::string handed_in;    // by this rank, on its way
  std::vector<int> sizes, starts;
  std::string received;  // on the root
};

WorkRounds::WorkRounds(const World& world, Settings settings)
    : world_(world),
      settings_(std::move(settings)),
      talk_(std::make_unique<Talk>()),
      begun_(Clock::now()) {
  world.impl().require_outside_together("WorkRounds");
  talk_->words.resize(static_cast<size_t>(world.size()));
}

// A round that is under way when an error unwinds stays with MPI: the error ends all ranks, and
// nothing else is safe to do with it. Its buffers must outlive it.
WorkRounds::~WorkRounds() {
  if (talk_->state != Talk::State::kIdle && talk_->request != MPI_REQUEST_NULL)
    static_cast<void>(talk_.release());
}

void WorkRounds::begin_round() {
  Talk& talk = *talk_;
  talk.handed_in = std::exchange(waiting_, {});
  talk.mine = {stops_, has_ended_, is_done_, static_cast<int64_t>(talk.handed_in.size())};
  talk.state = Talk::State::kWords;
  begun_ = Clock::now();
  if (world_.size() == 1) {
    talk.words[0] = talk.mine;
    return;
  }
  check_mpi(MPI_Iallgather(&talk.mine, kWordSize, MPI_INT64_T, talk.words.data(), kWordSize,
                           MPI_INT64_T, world_.impl().active, &talk.request),
            "tell how far the ranks are");
}

/// All have spoken: what they handed in, if any did, is on its way to the root.
void WorkRounds::end_round() {
  Talk& talk = *talk_;
  const auto all = [&](auto member) {
    return std::ranges::all_of(talk.words, [&](const Word& word) { return word.*member != 0; });
  };
  stops_ |= std::ranges::any_of(talk.words, [](const Word& word) { return word.stops != 0; });
  is_over_ = all(&Word::has_ended);
  ++num_rounds_;
  all_done_ = all(&Word::is_done);
  talk.sizes.clear();
  for (const Word& word : talk.words) talk.sizes.push_back(static_cast<int>(word.bytes));
  talk.starts.assign(talk.sizes.size(), 0);
  std::exclusive_scan(talk.sizes.begin(), talk.sizes.end(), talk.starts.begin(), 0);
  const int total = talk.starts.back() + talk.sizes.back();
  talk.state = total == 0 ? Talk::State::kIdle : Talk::State::kPieces;
  if (total == 0) return;
  if (world_.size() == 1) {
    talk.received = std::move(talk.handed_in);
    return;
  }
  if (world_.is_root()) talk.received.resize(static_cast<size_t>(total));
  check_mpi(MPI_Igatherv(talk.handed_in.data(), static_cast<int>(talk.handed_in.size()), MPI_BYTE,
                         talk.received.data(), talk.sizes.data(), talk.starts.data(), MPI_BYTE, 0,
                         world_.impl().active, &talk.request),
            "hand in what is finished");
}

void WorkRounds::end_gathering() {
  Talk& talk = *talk_;
  talk.state = Talk::State::kIdle;
  if (!world_.is_root() || !settings_.receive) return;
  for (size_t rank = 0; rank < talk.sizes.size(); ++rank)
    if (talk.sizes[rank] > 0)
      settings_.receive(std::string_view(talk.received)
                            .substr(static_cast<size_t>(talk.starts[rank]),
                                    static_cast<size_t>(talk.sizes[rank])));
}

void WorkRounds::advance() {
  const bool news = !stops_ && settings_.stop_requested && settings_.stop_requested();
  stops_ |= news;
  Talk& talk = *talk_;
  if (talk.state == Talk::State::kIdle) {
    if (is_over_ || (!news && !has_ended_ && Clock::now() - begun_ < settings_.interval)) return;
    begin_round();
  }
  while (talk.state != Talk::State::kIdle) {
    int is_complete = 1;
    if (talk.request != MPI_REQUEST_NULL)
      check_mpi(MPI_Test(&talk.request, &is_complete, MPI_STATUS_IGNORE), "wait for a peer");
    if (is_complete == 0) return;
    talk.state == Talk::State::kWords ? end_round() : end_gathering();
  }
}

bool WorkRounds::should_stop() {
  advance();
  return stops_;
}

bool WorkRounds::finish(bool is_done) {
  has_ended_ = true;
  is_done_ = is_done;
  std::optional<Deadline> deadline;
  int64_t round = -1;
  int64_t pause = 20'000;  // nanoseconds; grows as in wait_politely
  for (advance(); !is_over_ || talk_->state != Talk::State::kIdle; advance()) {
    if (std::exchange(round, num_rounds_) != round)
      deadline.emplace(world_.impl(), "MPI_Iallgather");
    const timespec nap{0, pause};
    ::nanosleep(&nap, nullptr);
    pause = std::min<int64_t>(pause * 5 / 4, 500'000);
  }
  return all_done_;
}

}  // namespace precis
