// Whether the GPUs of a run compute what the CPU does, before anything is trusted to them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/base/log.h"
#include "lib/comm/world.h"
#include "lib/ops/route.h"
#include "lib/ops/self_test.h"
#include "lib/run/device_setup.h"

namespace precis {

/// Collective. Tries the operations of this run on each rank's GPU, in the dtypes of the run
/// (nothing to do on CPUs). Where all agree with the CPU's: nothing, and a line after the whole
/// test. Where one differs on any rank: a warning with its figures, and a guard, under which the
/// run goes on with ATen's operators one by one.
std::unique_ptr<ops::RouteGuard> check_device(const World& world, const DeviceSetup& setup,
                                              ops::SelfTest size, Log& log);

/// Collective. What check_device makes of what the ranks found.
std::unique_ptr<ops::RouteGuard> agree_on_route(const World& world, const std::string& device_name,
                                                const std::vector<ops::Comparison>& mine, Log& log);

}  // namespace precis
