// What a run asks of a device as such. Nothing else in this folder calls CUDA.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <optional>

namespace precis {

/// Bytes of a GPU's memory, whoever uses it.
struct DeviceMemory {
  int64_t free = 0, total = 0;
};

/// Nothing on a CPU, or where the driver does not say.
std::optional<DeviceMemory> device_memory(at::Device device);

/// From here on this thread's GPU calls mean `device`. Nothing happens for a CPU.
void use_device(at::Device device);

/// Gives back to the device what LibTorch keeps of memory that nothing uses.
void empty_memory_cache(at::Device device);

}  // namespace precis
