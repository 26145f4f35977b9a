#include "lib/config/version.h"

#include <gtest/gtest.h>

#include <regex>
#include <vector>

namespace precis {
namespace {

TEST(VersionText, NamesVersionCommitCompilerAndLibraries) {
  const std::vector<std::string> more = {"LibTorch 2.11.0", "CUDA architectures 80 90"};
  const std::string text = version_text(more);
  EXPECT_TRUE(std::regex_match(
      text, std::regex("precis \\d+\\.\\d+\\.\\d+ \\(commit ([0-9a-f]{7,40}|unknown), (GCC|Clang) "
                       "\\d+\\.\\d+\\.\\d+, \\w+\\)\n"
                       "yaml-cpp \\d+\\.\\d+\\.\\d+, Boost \\d+\\.\\d+\\.\\d+, fmt "
                       "\\d+\\.\\d+\\.\\d+, nlohmann-json "
                       "\\d+\\.\\d+\\.\\d+\n"
                       "LibTorch 2\\.11\\.0\nCUDA architectures 80 90\n")))
      << text;
  EXPECT_NE(text.find("precis " + version_number() + " (commit " + commit_id() + ","),
            std::string::npos);
}

}  // namespace
}  // namespace precis
