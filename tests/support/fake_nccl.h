// NCCL as a test wants it: slow, failing, or silent.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "lib/comm/nccl_api.h"

namespace precis::testing {

constexpr int kSystemError = 2, kRemoteError = 6;
constexpr int kNever = 1'000'000'000;

/// Each call that is not blocking takes `looks` looks to end.
class FakeNccl : public NcclApi {
 public:
  int looks = 0;
  int id_result = kNcclSuccess, init_result = kNcclSuccess, reduce_result = kNcclSuccess;
  int init_state = kNcclSuccess;    ///< what init comes to when it is in progress
  int flight_state = kNcclSuccess;  ///< what is said while sums are in flight
  int async_result = kNcclSuccess;  ///< of the question itself
  int finalize_result = kNcclSuccess;
  bool async_throws = false;
  int looks_at_end = 0;  ///< until the GPU is done
  std::string last_error;

  std::vector<std::string> calls;

  int count(const std::string& call) const {
    return static_cast<int>(std::count(calls.begin(), calls.end(), call));
  }

  int unique_id(std::string& id) override {
    calls.emplace_back("unique_id");
    id = "the id";
    return id_result;
  }
  int init(int, const std::string& id, int) override {
    calls.push_back("init " + id);
    if (init_result != kNcclSuccess) return init_result;
    exists_ = true;
    after_ = init_state;
    return begin();
  }
  bool has_communicator() const override { return exists_; }
  int async_error(int& state) override {
    EXPECT_TRUE(exists_);
    if (async_throws) throw std::runtime_error("out of order");
    if (async_result != kNcclSuccess) return async_result;
    if (left_ > 0) --left_;
    state = left_ > 0 ? kNcclInProgress : after_;
    return kNcclSuccess;
  }
  int all_reduce(float*, int64_t) override {
    EXPECT_TRUE(exists_ && left_ == 0) << "a call before the last one had its result";
    calls.emplace_back("all_reduce");
    if (reduce_result != kNcclSuccess) return reduce_result;
    after_ = flight_state;
    return begin();
  }
  int finalize() override {
    calls.emplace_back("finalize");
    if (finalize_result != kNcclSuccess) return finalize_result;
    after_ = kNcclSuccess;
    return begin();
  }
  int destroy() override { return end("destroy"); }
  int abort() override { return end("abort"); }
  std::string error_text(int result) override {
    EXPECT_TRUE(exists_ || count("abort") == 0) << "asked for words after the abort";
    const std::string words = result == kNcclSuccess   ? "no error"
                              : result == kSystemError ? "unhandled system error"
                              : result == kRemoteError ? "remote process exited"
                                                       : "result " + std::to_string(result);
    return last_error.empty() ? words : words + ": " + last_error;
  }
  void mark_end() override { calls.emplace_back("mark_end"); }
  bool reached_end() override { return looks_at_end-- <= 0; }

 private:
  int begin() {
    left_ = looks;
    return left_ > 0 ? kNcclInProgress : kNcclSuccess;
  }
  int end(const char* call) {
    EXPECT_TRUE(exists_);
    exists_ = false;
    calls.emplace_back(call);
    return kNcclSuccess;
  }

  bool exists_ = false;
  int left_ = 0, after_ = kNcclSuccess;
};

}  // namespace precis::testing
