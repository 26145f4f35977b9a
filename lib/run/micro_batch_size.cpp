#include "lib/run/micro_batch_size.h"

#include <algorithm>

#include "lib/model/cost.h"
#include "lib/model/parameter_table.h"
#ifdef PRECIS_HAS_CUDA
#include <cuda_runtime_api.h>
#endif

namespace precis {

int64_t automatic_micro_batch_tokens(const DeviceSetup& setup, const ModelShape& shape) {
  constexpr int64_t kCpu =
      2048;  // products of this many rows run at full rate, and their memory stays small
  if (!setup.device.is_cuda()) return kCpu;
  int64_t bytes = int64_t{4} << 30;
#ifdef PRECIS_HAS_CUDA
  size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) == cudaSuccess) bytes = static_cast<int64_t>(free);
#endif
  const ParameterTable table = shape.parameters();
  const int64_t free_bytes =
      bytes - state_bytes(table.numel(), table.trainable_numel(), setup.element_size());
  // Not all of it: decoding takes some, and so do the gaps between blocks of the allocator.
  return std::clamp<int64_t>(tokens_within(shape.cost(setup.element_size()), free_bytes * 6 / 10),
                             1024, 65536);
}

}  // namespace precis
