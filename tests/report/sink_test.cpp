#include "lib/report/sink.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace precis {
namespace {

class CountingSink : public Sink {
 public:
  CountingSink(std::vector<Record>& seen, int& flushes) : seen_(seen), flushes_(flushes) {}
  void write(const Record& record) override { seen_.push_back(record); }
  void flush() override { ++flushes_; }

 private:
  std::vector<Record>& seen_;
  int& flushes_;
};

TEST(Reporter, HandsEachRecordToAllSinks) {
  std::vector<Record> first, second;
  int flushes = 0;
  Reporter reporter;
  reporter.write({{"kind", "lost"}});  // without sinks nothing happens
  reporter.add(std::make_unique<CountingSink>(first, flushes));
  reporter.add(std::make_unique<CountingSink>(second, flushes));
  reporter.write({{"kind", "train"}, {"iter", 0}});
  reporter.write({{"kind", "train"}, {"iter", 1}});
  reporter.flush();
  EXPECT_EQ(first, second);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[1]["iter"], 1);
  EXPECT_EQ(flushes, 2);
}

/// Notices a second call while one is under way.
class SingleFileSink : public Sink {
 public:
  SingleFileSink(std::atomic<int>& written, std::atomic<bool>& overlapped)
      : written_(written), overlapped_(overlapped) {}
  void write(const Record&) override {
    if (busy_.exchange(true)) overlapped_ = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    busy_ = false;
    ++written_;
  }

 private:
  std::atomic<int>& written_;
  std::atomic<bool>& overlapped_;
  std::atomic<bool> busy_ = false;
};

TEST(Reporter, TakesRecordsFromSeveralThreadsOneAtATime) {
  std::atomic<int> written = 0;
  std::atomic<bool> overlapped = false;
  Reporter reporter;
  reporter.add(std::make_unique<SingleFileSink>(written, overlapped));
  const auto write_many = [&] {
    for (int i = 0; i < 50; ++i) reporter.write({{"iter", i}});
  };
  std::thread other(write_many);
  write_many();
  other.join();
  EXPECT_EQ(written, 100);
  EXPECT_FALSE(overlapped);
}

}  // namespace
}  // namespace precis
