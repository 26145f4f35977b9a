#include "lib/run/device_memory.h"

#ifdef PRECIS_HAS_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>
#endif

namespace precis {

#ifdef PRECIS_HAS_CUDA

std::optional<DeviceMemory> device_memory(at::Device device) {
  if (!device.is_cuda()) return std::nullopt;
  const c10::cuda::CUDAGuard guard(device);
  size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) return std::nullopt;
  return DeviceMemory{static_cast<int64_t>(free), static_cast<int64_t>(total)};
}

void use_device(at::Device device) {
  if (device.is_cuda()) c10::cuda::set_device(device.index());
}

void empty_memory_cache(at::Device device) {
  if (device.is_cuda()) c10::cuda::CUDACachingAllocator::emptyCache();
}

#else

std::optional<DeviceMemory> device_memory(at::Device) {
  return std::nullopt;
}

void use_device(at::Device) {}

void empty_memory_cache(at::Device) {}

#endif

}  // namespace precis
