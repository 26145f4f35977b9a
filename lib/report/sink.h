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
  /// Whether all that was written is where it belongs.
  virtual bool is_complete() const { return true; }
};

/// Hands each record to all of its sinks, in the order they were added. Thread-safe: evaluation
/// reports while training goes on.
class Reporter {
 public:
  void add(std::unique_ptr<Sink> sink);
  void write(const Record& record);
  void flush();
  /// Whether no sink has anything waiting; flush() tries those that have.
  bool is_complete();

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace precis
