#include "lib/tensor/device_graph.h"

#include <utility>

namespace precis {
namespace {

/// On a CPU, where starting work costs nothing.
class RepeatedWork : public DeviceGraph {
 public:
  void record(const std::function<void()>& work) override {
    work_ = nullptr;
    work();
    work_ = work;
  }
  void cut(std::function<void()> between) override { between(); }
  void replay() override { work_(); }

 private:
  std::function<void()> work_;
};

}  // namespace

std::unique_ptr<DeviceGraph> make_device_graph(at::Device device) {
#ifdef PRECIS_HAS_CUDA
  if (device.is_cuda()) return make_cuda_graph(device);
#else
  (void)device;
#endif
  return std::make_unique<RepeatedWork>();
}

MakeDeviceGraph device_graphs_in_shared_memory() {
#ifdef PRECIS_HAS_CUDA
  return [make = cuda_graphs_in_shared_memory()](at::Device device) {
    return device.is_cuda() ? make(device) : make_device_graph(device);
  };
#else
  return make_device_graph;
#endif
}

}  // namespace precis
