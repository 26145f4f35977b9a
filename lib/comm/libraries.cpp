#include "lib/comm/libraries.h"

#include <fmt/format.h>
#include <mpi.h>

#include <array>
#ifdef PRECIS_HAS_CUDA
#include <nccl.h>
#endif

namespace precis {

std::vector<std::string> communication_libraries() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  // "Open MPI v4.1.4, package: ..., ident: ..."
  std::string mpi(text.data(), static_cast<size_t>(length));
  mpi = mpi.substr(0, mpi.find(','));
  if (const size_t at = mpi.find(" v"); at != std::string::npos) mpi.erase(at + 1, 1);
  std::vector<std::string> lines{mpi};
#ifdef PRECIS_HAS_CUDA
  int loaded = 0;
  ncclGetVersion(&loaded);
  const auto words = [](int version) {  // 22809 is 2.28.9
    return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
  };
  lines.push_back(fmt::format("NCCL {} (header {})", words(loaded), words(NCCL_VERSION_CODE)));
#endif
  return lines;
}

}  // namespace precis
