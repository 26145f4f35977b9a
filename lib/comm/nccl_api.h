// The few calls of NCCL that NcclSession makes, so that a fake can stand in for it where there is
// no GPU. Includes neither CUDA nor NCCL.
#pragma once

#include <cstdint>
#include <string>

namespace precis {

/// Results of NCCL that NcclSession tells apart; every other number is an error.
constexpr int kNcclSuccess = 0;
constexpr int kNcclInProgress = 7;

/// One communicator, not blocking, and the stream that it works in. The calls return NCCL's results
/// and throw nothing of NCCL's own.
class NcclApi {
 public:
  virtual ~NcclApi() = default;

  virtual int unique_id(std::string& id) = 0;
  virtual int init(int size, const std::string& id, int rank) = 0;
  /// Whether init made a communicator; one that was destroyed or aborted is none.
  virtual bool has_communicator() const = 0;
  /// `state`: kNcclInProgress while the call before is under way, then its result.
  virtual int async_error(int& state) = 0;
  /// In place, float32.
  virtual int all_reduce(float* data, int64_t numel) = 0;
  virtual int finalize() = 0;
  virtual int destroy() = 0;
  virtual int abort() = 0;
  /// NCCL's words for a result, and its last error where it noted one.
  virtual std::string error_text(int result) = 0;

  /// Notes the end of what is enqueued, and lets the caller's stream wait for it.
  virtual void mark_end() = 0;
  /// Whether the GPU came as far as the last mark_end().
  virtual bool reached_end() = 0;
};

}  // namespace precis
