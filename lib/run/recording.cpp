#include "lib/run/recording.h"

#include <ATen/ops/empty.h>

#include "lib/ops/route.h"

namespace precis {

Recording recording_on(at::Device device, Log& log) {
  const bool takes_kernels =
      device.is_cuda() &&
      ops::route_of(at::empty({0}, at::TensorOptions(device))) == ops::Route::kDevice;
  if (!takes_kernels) return {};  // what is composed of ATen's operators asks the host
  return {device_graphs_in_shared_memory(), [&log](const std::string& line) { log.warn(line); }};
}

}  // namespace precis
