#include "lib/run/micro_batch_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lib/model/parameter_table.h"
#include "lib/run/device_memory.h"

namespace precis {
namespace {

constexpr const char* kCpu = "CPU";

}  // namespace

int64_t micro_batch_tokens_on_gpu(int64_t free_bytes, int sharing, int64_t held_bytes,
                                  const ModelCost& cost) {
  // Not all of it: decoding takes some, and so do the gaps between blocks of the allocator.
  const int64_t bytes = (free_bytes / sharing - held_bytes) * 6 / 10;
  return std::clamp<int64_t>(tokens_within(cost, bytes), 1024, 65536);
}

int64_t automatic_micro_batch_tokens(const DeviceSetup& setup, const ModelShape& shape) {
  constexpr int64_t kOnCpu =
      2048;  // products of this many rows run at full rate, and their memory stays small
  if (!setup.device.is_cuda()) return kOnCpu;
  constexpr int64_t kUnknown = int64_t{4} << 30;
  const std::optional<DeviceMemory> memory = device_memory(setup.device);
  const ParameterTable table = shape.parameters();
  return micro_batch_tokens_on_gpu(
      memory ? memory->free : kUnknown, setup.sharing,
      state_bytes(table.numel(), table.trainable_numel(), setup.element_size()),
      shape.cost(setup.element_size()));
}

int64_t planned_micro_batch_tokens(const RunConfig& config, const DeviceSetup& setup,
                                   const ModelShape& shape) {
  const std::optional<int64_t> fixed = config.train.micro_batch_tokens.count;
  return fixed ? *fixed : automatic_micro_batch_tokens(setup, shape);
}

std::string device_kind(const DeviceSetup& setup) {
  if (!setup.device.is_cuda()) return kCpu;
  const std::optional<DeviceMemory> memory = device_memory(setup.device);
  return fmt::format("{} with {:.1f} GB", setup.device_name,
                     memory ? static_cast<double>(memory->total) / 1e9 : 0.0);
}

int64_t resumed_micro_batch_tokens(const Progress& read, const std::string& kind,
                                   int64_t automatic) {
  if (read.micro_batch_tokens == 0) return automatic;
  const bool is_named = !read.micro_batch_device.empty();
  // On a CPU the size is no matter of memory, and results are the same bit for bit only with it.
  if (kind == kCpu)
    return !is_named || read.micro_batch_device == kind ? read.micro_batch_tokens : automatic;
  return read.micro_batch_device == kind ? std::min(read.micro_batch_tokens, automatic) : automatic;
}

std::optional<int64_t> smaller_micro_batch_tokens(int64_t tokens, const MemoryNeed& need) {
  // A sample that was tried with more memory in use than it needs itself is worth another try.
  if (tokens <= std::max<int64_t>(1, need.alone)) return std::nullopt;
  return std::max<int64_t>(1, (need.largest > 0 ? std::min(tokens, need.largest) : tokens) / 2);
}

}  // namespace precis
