// Copies between a GPU and the host, for sums that are made on the host.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

namespace precis {

/// Copies in a stream of their own. mark() is for the thread that computes, the rest for the one
/// that copies.
class DeviceCopies {
 public:
  /// A point in what a thread has enqueued on a device.
  class Mark {
   public:
    virtual ~Mark() = default;
  };

  virtual ~DeviceCopies() = default;
  /// Whether these copies are for tensors of this kind; others are summed where they lie.
  virtual bool concerns(const at::Tensor& tensor) const = 0;
  /// Makes copies to and from this memory fast (page-locked) until unpin(). One that cannot be is
  /// used as it is.
  virtual void pin(float* memory, int64_t numel) = 0;
  virtual void unpin(float* memory) = 0;
  /// The end of what the calling thread has enqueued so far.
  virtual std::unique_ptr<Mark> mark() = 0;
  /// Makes copies that follow wait for what was enqueued before the mark.
  virtual void follow(Mark& mark) = 0;
  /// Both return when the copy is there. float32; `part` is contiguous.
  virtual void to_host(const at::Tensor& part, float* host) = 0;
  virtual void to_device(const float* host, const at::Tensor& part) = 0;
};

#ifdef PRECIS_HAS_CUDA
std::unique_ptr<DeviceCopies> make_cuda_copies(at::Device device);
#endif

}  // namespace precis
