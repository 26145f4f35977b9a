#ifdef PRECIS_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>
#include <utility>
#include <vector>

#include "lib/tensor/device_graph.h"

namespace precis {
namespace {

/// What graphs are recorded with: a stream, since one that is being recorded runs nothing, and the
/// pool that their memory is from. It lives as long as one of its graphs, for the allocator forgets
/// a pool that no graph uses, and does not take its handle again.
struct Recorder {
  explicit Recorder(at::Device device)
      : stream(at::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())),
        pool(at::cuda::graph_pool_handle()) {}
  at::cuda::CUDAStream stream;
  at::cuda::MempoolId_t pool;
};

/// Pieces run in the stream that was current before they were recorded. Other threads may use CUDA
/// meanwhile (thread-local capture). All pieces take their memory from one pool: they run in the
/// order in which they were recorded, after the last of them is.
class CudaGraph : public DeviceGraph {
 public:
  CudaGraph(at::Device device, std::shared_ptr<Recorder> recorder)
      : device_(device),
        recorder_(std::move(recorder)),
        running_(at::cuda::getCurrentCUDAStream(device.index())) {}

  void record(const std::function<void()>& work) override {
    if (std::exchange(was_recorded_, true)) {
      pieces_.clear();
      recorder_ = std::make_shared<Recorder>(device_);
    }
    running_ = at::cuda::getCurrentCUDAStream(device_.index());
    try {
      begin();
      work();
      end();
    } catch (...) {
      abandon();
      throw;
    }
    replay();
  }

  void cut(std::function<void()> between) override {
    end();
    pieces_.back().then = std::move(between);
    begin();
  }

  void replay() override {
    for (const Piece& piece : pieces_) {
      piece.graph->replay();
      if (piece.then) piece.then();
    }
  }

 private:
  struct Piece {
    std::unique_ptr<at::cuda::CUDAGraph> graph;
    std::function<void()> then;
  };

  void begin() {
    at::cuda::CUDAEvent before;
    before.record(running_);
    before.block(recorder_->stream);
    at::cuda::setCurrentCUDAStream(recorder_->stream);
    pieces_.push_back({std::make_unique<at::cuda::CUDAGraph>(), {}});
    pieces_.back().graph->capture_begin(recorder_->pool, cudaStreamCaptureModeThreadLocal);
    is_recording_ = true;
  }

  void end() {
    is_recording_ = false;
    pieces_.back().graph->capture_end();
    at::cuda::setCurrentCUDAStream(running_);
  }

  /// After a failure: the stream must leave its recording, and what is half recorded goes.
  void abandon() noexcept {
    if (std::exchange(is_recording_, false)) {
      try {
        pieces_.back().graph->capture_end();
      } catch (...) {  // it is broken: that is why we are here
      }
    }
    cudaGetLastError();
    at::cuda::setCurrentCUDAStream(running_);
    pieces_.clear();
  }

  at::Device device_;
  std::shared_ptr<Recorder> recorder_;  // pieces_ go before it
  at::cuda::CUDAStream running_;
  std::vector<Piece> pieces_;
  bool is_recording_ = false, was_recorded_ = false;
};

}  // namespace

std::unique_ptr<DeviceGraph> make_cuda_graph(at::Device device) {
  return std::make_unique<CudaGraph>(device, std::make_shared<Recorder>(device));
}

MakeDeviceGraph cuda_graphs_in_shared_memory() {
  return [shared = std::make_shared<std::weak_ptr<Recorder>>()](at::Device device) {
    std::shared_ptr<Recorder> recorder = shared->lock();
    if (!recorder) *shared = recorder = std::make_shared<Recorder>(device);
    return std::make_unique<CudaGraph>(device, std::move(recorder));
  };
}

}  // namespace precis
#endif
