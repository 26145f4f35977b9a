#ifdef PRECIS_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <set>

#include "lib/comm/device_copies.h"

namespace precis {
namespace {

class CudaCopies : public DeviceCopies {
 public:
  explicit CudaCopies(at::Device device)
      : device_(device),
        stream_(at::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index())) {}

  bool concerns(const at::Tensor& tensor) const override { return tensor.is_cuda(); }

  void pin(float* memory, int64_t numel) override {
    const c10::cuda::CUDAGuard guard(device_);
    const auto bytes = static_cast<size_t>(numel) * sizeof(float);
    if (cudaHostRegister(memory, bytes, cudaHostRegisterDefault) == cudaSuccess)
      pinned_.insert(memory);
    else
      cudaGetLastError();  // containers may forbid it; else the next launch would report it
  }
  void unpin(float* memory) override {
    if (pinned_.erase(memory) > 0) cudaHostUnregister(memory);
  }

  std::unique_ptr<Mark> mark() override {
    auto mark = std::make_unique<Event>();
    mark->event.record(at::cuda::getCurrentCUDAStream(device_.index()));
    return mark;
  }
  void follow(Mark& mark) override { static_cast<Event&>(mark).event.block(stream_); }
  void to_host(const at::Tensor& part, float* host) override {
    copy(host, part.data_ptr<float>(), part.numel(), cudaMemcpyDeviceToHost);
  }
  void to_device(const float* host, const at::Tensor& part) override {
    copy(part.data_ptr<float>(), host, part.numel(), cudaMemcpyHostToDevice);
  }

 private:
  struct Event : Mark {
    at::cuda::CUDAEvent event;
  };

  void copy(float* to, const float* from, int64_t numel, cudaMemcpyKind kind) {
    const c10::cuda::CUDAGuard guard(device_);  // a thread starts on device 0
    C10_CUDA_CHECK(
        cudaMemcpyAsync(to, from, static_cast<size_t>(numel) * sizeof(float), kind, stream_));
    C10_CUDA_CHECK(cudaStreamSynchronize(stream_));
  }

  at::Device device_;
  at::cuda::CUDAStream stream_;
  std::set<float*> pinned_;
};

}  // namespace

std::unique_ptr<DeviceCopies> make_cuda_copies(at::Device device) {
  return std::make_unique<CudaCopies>(device);
}

}  // namespace precis
#endif  // PRECIS_HAS_CUDA
