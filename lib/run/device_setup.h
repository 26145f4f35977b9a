// What a rank computes on and with.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

#include "lib/base/log.h"
#include "lib/comm/devices.h"
#include "lib/comm/world.h"
#include "lib/run/run_config.h"

namespace precis {

struct DeviceSetup {
  DevicePlan plan;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;  ///< of training
  int threads = 1;                    ///< of this rank
  bool spare = false;                 ///< this rank is not needed: World::wait_as_spare
  std::string device_name;

  /// Bytes of an activation in training.
  int64_t element_size() const { return static_cast<int64_t>(c10::elementSize(dtype)); }
};

/// Collective. Agrees on devices, sets this rank's device, threads and dtype; after the single-GPU
/// fall-back the world is the root alone.
DeviceSetup set_up_device(World& world, const RunConfig& config, Log& log);

/// "float32", "bfloat16" or "float16" as a type.
at::ScalarType parse_dtype(const std::string& name);

}  // namespace precis
