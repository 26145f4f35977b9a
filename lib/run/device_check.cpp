#include "lib/run/device_check.h"

#include <fmt/format.h>

#include <set>
#include <string>

namespace precis {

std::unique_ptr<ops::RouteGuard> agree_on_route(const World& world, const std::string& device_name,
                                                const std::vector<ops::Comparison>& mine,
                                                Log& log) {
  const std::string differences = ops::describe_differences(mine);
  const std::string said =
      differences.empty() ? ""
                          : fmt::format("rank {} ({}): {}", world.rank(), device_name, differences);
  std::string all;
  for (const std::string& theirs : world.all_gather(said))
    if (!theirs.empty()) all += (all.empty() ? "" : "; ") + theirs;
  if (all.empty()) return nullptr;
  log.warn(fmt::format(
      "Precis' kernels compute something else on this GPU than on the CPU: {}. The run goes on "
      "without them, rightly but several times slower. Please report these figures, with the "
      "output of --version",
      all));
  return std::make_unique<ops::RouteGuard>(ops::Route::kComposed);
}

std::unique_ptr<ops::RouteGuard> check_device(const World& world, const DeviceSetup& setup,
                                              ops::SelfTest size, Log& log) {
  if (!setup.device.is_cuda()) return nullptr;  // on all ranks alike
  std::vector<ops::Comparison> found;
  for (const at::ScalarType type : std::set{setup.dtype, setup.generation_dtype})
    for (ops::Comparison& one : ops::compare_with_cpu(setup.device, type, size))
      found.push_back(std::move(one));
  std::unique_ptr<ops::RouteGuard> guard = agree_on_route(world, setup.device_name, found, log);
  if (!guard && size == ops::SelfTest::kWhole)
    log.info(fmt::format("{}: {} operations compute what they do on the CPU", setup.device_name,
                         found.size()));
  return guard;
}

}  // namespace precis
