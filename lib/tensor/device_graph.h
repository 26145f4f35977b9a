// Work of a device that is the same again and again: recorded once, then started as a whole, since
// for small models and in decoding the host takes longer to start kernels than the GPU to run them.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

namespace precis {

/// One recorded sequence. What is recorded are the kernels and where they read and write: numbers
/// that differ from run to run, sizes apart, must lie in tensors that stay where they are, and
/// tensors that the work makes have the same memory in each run. Not thread-safe.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;

  /// Calls `work` once, recording what it starts in the thread's current stream, and runs that. It
  /// must have run unrecorded before (libraries set themselves up in their first call), and must
  /// not wait for the device. Throws what work throws; nothing is recorded then, and on a GPU
  /// nothing has run and no call of the host was made either.
  virtual void record(const std::function<void()>& work) = 0;

  /// Inside `work`: what is recorded goes on behind a call of the host that is repeated in every
  /// run, unrecorded.
  virtual void cut(std::function<void()> between) = 0;

  /// Runs what was recorded once more, in the thread's current stream.
  virtual void replay() = 0;
};

/// A CUDA graph on a GPU. Elsewhere the work is kept and called again.
std::unique_ptr<DeviceGraph> make_device_graph(at::Device device);

/// Where graphs come from; a test has others.
using MakeDeviceGraph = std::function<std::unique_ptr<DeviceGraph>(at::Device)>;

/// Graphs that have the memory of what their work makes in common: for work after which nothing of
/// that is read, and which never runs beside that of another of them.
MakeDeviceGraph device_graphs_in_shared_memory();

#ifdef PRECIS_HAS_CUDA
std::unique_ptr<DeviceGraph> make_cuda_graph(at::Device device);
MakeDeviceGraph cuda_graphs_in_shared_memory();
#endif

}  // namespace precis
