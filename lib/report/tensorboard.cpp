#include "lib/report/tensorboard.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>

#include "lib/report/event_file.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";

using Tag = std::pair<std::string_view, std::string_view>;  // field of the record, tag
constexpr std::array kTrainTags = {Tag{"loss", "train/loss"},
                                   Tag{"lr", "train/lr"},
                                   Tag{"grad_norm", "train/grad_norm"},
                                   Tag{"samples_per_s", "speed/samples_per_s"},
                                   Tag{"tokens_per_s", "speed/tokens_per_s"},
                                   Tag{"step_ms", "speed/step_ms"},
                                   Tag{"mfu", "speed/mfu"}};
constexpr std::array kEvalTags = {Tag{"val_loss", "eval/val_loss"}, Tag{"rouge1", "eval/rouge1"},
                                  Tag{"rouge2", "eval/rouge2"}, Tag{"rougeL", "eval/rougeL"}};

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The largest time in the names of the folder's event files; -1 without any. Makes the folder.
int64_t newest_time(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  int64_t newest = -1;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.rfind(kPrefix, 0) != 0) continue;
    int64_t time = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), time);
    newest = std::max(newest, time);
  }
  return newest;  // of what could be seen: whether a file can be made there is told by the file
}

/// A name that sorts behind all files of the folder, in TensorBoard's form: time, host, process.
fs::path new_file(const fs::path& folder) {
  const int64_t time = std::max(static_cast<int64_t>(now_seconds()), newest_time(folder) + 1);
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {'h', 'o', 's', 't'};
  return folder / fmt::format("{}{:010}.{}.{}.0", kPrefix, time, host.data(), ::getpid());
}

}  // namespace

TensorBoardSink::TensorBoardSink(const fs::path& folder, std::optional<int64_t> go_on_from,
                                 const std::vector<Record>& kept, Tell tell)
    : file_(new_file(folder), std::move(tell)) {
  const double now = now_seconds();
  const int64_t start = go_on_from.value_or(0);
  file_.append(tfrecord(version_event(now)));
  file_.append(tfrecord(session_start_event(now, start)));
  for (const Record& record : kept)
    if (is_kind(record, "eval") && iteration_of(record) == start) write(record);
}

void TensorBoardSink::write(const Record& record) {
  const bool train = is_kind(record, "train");
  const std::optional<int64_t> iter = iteration_of(record);
  if (!iter || (!train && !is_kind(record, "eval"))) return;
  std::vector<EventScalar> scalars;
  const auto add = [&](const Tag& tag) {
    if (const auto value = number_in(record, tag.first))
      scalars.push_back({std::string(tag.second), static_cast<float>(*value)});
  };
  if (train) {
    std::for_each(kTrainTags.begin(), kTrainTags.end(), add);
  } else {
    std::for_each(kEvalTags.begin(), kEvalTags.end(), add);
  }
  if (scalars.empty()) return;
  const double time = number_in(record, "time").value_or(now_seconds());
  file_.append(tfrecord(scalars_event(time, *iter, scalars)));
}

}  // namespace precis
