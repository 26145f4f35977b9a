#include "lib/comm/temporary_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "lib/base/errors.h"

namespace precis {
namespace {

/// A folder, and the variable of the environment that names it.
struct Place {
  std::string folder, variable;
};

/// In Open MPI's own order; the first of them is known to version 4 alone.
Place open_mpi_temporary_folder() {
  for (const char* name : {"OMPI_MCA_orte_tmpdir_base", "TMPDIR", "TEMP", "TMP"}) {
    const char* value = std::getenv(name);
    if (value == nullptr) continue;
    if (*value != '\0') return {value, name};
    ::unsetenv(name);
  }
  return {"/tmp", "TMPDIR"};
}

/// What keeps a folder from being made inside; none where nothing does.
std::error_code fault_of(const std::string& folder) {
  std::error_code fault;
  std::filesystem::create_directories(folder, fault);
  if (fault) return fault;
  std::string made = folder + "/precis-XXXXXX";
  if (::mkdtemp(made.data()) == nullptr) return {errno, std::generic_category()};
  ::rmdir(made.c_str());
  return {};
}

}  // namespace

void prepare_temporary_folder() {
  const auto [folder, variable] = open_mpi_temporary_folder();
  if (const std::error_code fault = fault_of(folder))
    throw DeviceError(fmt::format(
        "Open MPI cannot use the temporary folder {}: {}. Set {} to a folder that can be written, "
        "as in {}=/tmp",
        folder, fault.message(), variable, variable));
}

}  // namespace precis
