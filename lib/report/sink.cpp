#include "lib/report/sink.h"

#include <algorithm>

namespace precis {

void Reporter::add(std::unique_ptr<Sink> sink) {
  const std::lock_guard lock(mutex_);
  sinks_.push_back(std::move(sink));
}

void Reporter::write(const Record& record) {
  const std::lock_guard lock(mutex_);
  for (const auto& sink : sinks_) sink->write(record);
}

void Reporter::flush() {
  const std::lock_guard lock(mutex_);
  for (const auto& sink : sinks_) sink->flush();
}

bool Reporter::is_complete() {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(sinks_, [](const auto& sink) { return sink->is_complete(); });
}

}  // namespace precis
