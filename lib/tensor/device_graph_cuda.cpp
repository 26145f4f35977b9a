#ifdef PRECIS_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>

#include <utility>
#include <vector>

#include "lib/tensor/device_graph.h"

namespace precis {
namespace {

/// A stream that is being recorded runs nothing, so recording has one of its own; pieces run in the
/// stream that was current before. Other threads may use CUDA meanwhile (thread-local capture). All
/// pieces take their memory from one pool: they run in the order in which they were recorded.
class CudaGraph : public DeviceGraph {
 public:
  explicit CudaGraph(at::Device device)
      : recording_(at::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())),
        running_(at::cuda::getCurrentCUDAStream(device.index())),
        pool_(at::cuda::graph_pool_handle()) {}

  void record(const std::function<void()>& work) override {
    pieces_.clear();
    running_ = at::cuda::getCurrentCUDAStream(recording_.device_index());
    try {
      begin();
      work();
      end();
    } catch (...) {
      abandon();
      throw;
    }
  }

  void cut(std::function<void()> between) override {
    end();
    between();
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
    before.block(recording_);
    at::cuda::setCurrentCUDAStream(recording_);
    pieces_.push_back({std::make_unique<at::cuda::CUDAGraph>(), {}});
    pieces_.back().graph->capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
    is_recording_ = true;
  }

  void end() {
    is_recording_ = false;
    pieces_.back().graph->capture_end();
    at::cuda::setCurrentCUDAStream(running_);
    pieces_.back().graph->replay();
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

  at::cuda::CUDAStream recording_, running_;
  at::cuda::MempoolId_t pool_;
  std::vector<Piece> pieces_;
  bool is_recording_ = false;
};

}  // namespace

std::unique_ptr<DeviceGraph> make_cuda_graph(at::Device device) {
  return std::make_unique<CudaGraph>(device);
}

}  // namespace precis
#endif
