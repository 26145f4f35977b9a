// Where records go.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "lib/report/record.h"

namespace precis {

/// Takes records: a file, the console.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(const Record& record) = 0;
  /// Makes what was written safe (a checkpoint is about to name it as done).
  virtual void flush() {}
};

/// Hands each record to all of its sinks, in the order they were added. Thread-safe: evaluation
/// reports while training goes on.
class Reporter {
 public:
  void add(std::unique_ptr<Sink> sink);
  void write(const Record& record);
  void flush();

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace precis
