// What a rank computes on and with.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

#include "lib/base/log.h"
#include "lib/comm/devices.h"
#include "lib/comm/world.h"
#include "lib/model/weights.h"
#include "lib/run/run_config.h"

namespace precis {

struct DeviceSetup {
  DevicePlan plan;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;                ///< of training
  at::ScalarType generation_dtype = at::kFloat;     ///< of the weights and the cache in decoding
  WeightForm generation_form = WeightForm::kDense;  ///< generation.dtype int8: its own
  int sharing = 1;     ///< ranks that compute on this rank's device, itself included
  bool tf32 = false;   ///< training makes its float32 products in TF32
  int threads = 1;     ///< of this rank
  bool spare = false;  ///< this rank is not needed: World::wait_as_spare
  std::string device_name;

  /// Bytes of an activation in training.
  int64_t element_size() const { return static_cast<int64_t>(c10::elementSize(dtype)); }
};

/// Collective. Agrees on devices, sets this rank's device, threads and dtypes; after the single-GPU
/// fall-back the world is the root alone. dtypes are looked at where a stage of the config uses
/// them, and are the same on all ranks.
DeviceSetup set_up_device(World& world, const RunConfig& config, Log& log);

/// The type that a dtype of the config means. `key`: of the config, for the message; `gpu`: null on
/// a CPU. auto: float32 on a CPU, else float16 below compute capability 8.0 and bfloat16 from there
/// on. int8, which weights alone are: float32. Throws ConfigError for bfloat16 on a GPU that does
/// not compute with it, and for int8 on any.
at::ScalarType choose_dtype(const std::string& key, const std::string& name, const VisibleGpu* gpu);

}  // namespace precis
