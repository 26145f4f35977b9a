#include "lib/programs/program.h"

#include <fmt/format.h>

#include <cstdio>

#include "lib/base/session_weight.h"
#include "lib/comm/libraries.h"
#include "lib/comm/require_same.h"
#include "lib/comm/torch_failure.h"
#include "lib/config/main.h"
#include "lib/config/version.h"

namespace precis {

std::vector<std::string> library_versions() {
  std::vector<std::string> lines = communication_libraries();
  lines.push_back(fmt::format("LibTorch {}", PRECIS_TORCH_VERSION));
#ifdef PRECIS_HAS_CUDA
  lines.push_back(fmt::format("CUDA {} (LibTorch's)", PRECIS_CUDA_VERSION));
  lines.push_back(fmt::format("CUDA architectures of our kernels: {}", PRECIS_CUDA_ARCHITECTURES));
#else
  lines.emplace_back("built without CUDA");
#endif
  return lines;
}

int with_world(const char* program, const std::function<ExitCode(World&)>& work,
               double timeout_seconds) {
  weigh_session();
  World world(timeout_seconds);
  try {
    const std::string version = version_text();
    require_same(
        world,
        {{"the program", fmt::format("{} {}", program, version.substr(0, version.find('\n')))}},
        {ExitCode::kConfig, "start the same build on all nodes"});
    return static_cast<int>(work(world));
  } catch (const SharedError& error) {  // unwound on every rank: MPI ends in good order
    if (world.is_root())
      std::fputs(failure_text(program, {static_cast<int>(error.code()), error.what()}).c_str(),
                 stderr);
    return static_cast<int>(error.code());
  } catch (...) {
    const Failure failure = describe_torch_failure(std::current_exception());
    if (world.size() > 1) world.abort(static_cast<ExitCode>(failure.code), failure.message);
    std::fputs(failure_text(program, failure).c_str(), stderr);
    return failure.code;
  }
}

}  // namespace precis
