#include "lib/config/version.h"

#include <fmt/format.h>

#include <boost/version.hpp>
#include <nlohmann/json.hpp>

namespace precis {
namespace {

std::string compiler() {
#if defined(__clang__)
  return fmt::format("Clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("GCC {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

}  // namespace

std::string version_number() {
  return PRECIS_VERSION;
}

std::string commit_id() {
  return PRECIS_COMMIT;
}

std::string version_text(std::span<const std::string> more_lines) {
  std::string out = fmt::format("precis {} (commit {}, {}, {})\n", version_number(), commit_id(),
                                compiler(), PRECIS_BUILD_TYPE);
  out += fmt::format("yaml-cpp {}, Boost {}.{}.{}, fmt {}.{}.{}, nlohmann-json {}.{}.{}\n",
                     PRECIS_YAML_CPP_VERSION, BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
                     BOOST_VERSION % 100, FMT_VERSION / 10000, FMT_VERSION / 100 % 100,
                     FMT_VERSION % 100, NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                     NLOHMANN_JSON_VERSION_PATCH);
  for (const std::string& line : more_lines) out += line + "\n";
  return out;
}

}  // namespace precis
