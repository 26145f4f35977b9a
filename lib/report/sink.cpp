#include "lib/report/sink.h"

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

}  // namespace precis
