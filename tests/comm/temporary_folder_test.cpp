#include "lib/comm/temporary_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "lib/base/errors.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

/// A folder of its own, and an environment that names no temporary folder.
class TemporaryFolder : public testing::Test {
 protected:
  TemporaryFolder() {
    for (const char* name : {"OMPI_MCA_orte_tmpdir_base", "TMPDIR", "TEMP", "TMP"})
      ::unsetenv(name);
    std::string name = "/tmp/precis-test-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::ofstream(folder_ / "file") << "text";
  }
  ~TemporaryFolder() override { fs::remove_all(folder_); }

  /// What is said with `variable` set to `value`; empty where nothing is.
  static std::string said(const char* variable, const std::string& value) {
    ::setenv(variable, value.c_str(), 1);
    try {
      prepare_temporary_folder();
      return "";
    } catch (const DeviceError& error) {
      return error.what();
    }
  }

  fs::path folder_;
};

TEST_F(TemporaryFolder, WhatCannotBeUsedIsNamedWithItsVariable) {
  for (const char* variable : {"TMP", "TEMP", "TMPDIR", "OMPI_MCA_orte_tmpdir_base"}) {
    for (const std::string& bad :
         {std::string("/proc/none"), (folder_ / "file").string(),
          (folder_ / "file" / "below").string(), "/" + std::string(300, 'x')}) {
      const std::string text = said(variable, bad);
      EXPECT_NE(text.find("temporary folder " + bad + ": "), std::string::npos) << text;
      EXPECT_NE(text.find(std::string(variable) + "=/tmp"), std::string::npos) << text;
    }
  }
}

TEST_F(TemporaryFolder, AMissingOneIsMadeAndLeftEmpty) {
  const fs::path missing = folder_ / "not" / "there";
  EXPECT_EQ(said("TMPDIR", missing.string()), "");
  EXPECT_TRUE(fs::is_directory(missing));
  EXPECT_TRUE(fs::is_empty(missing));
}

TEST_F(TemporaryFolder, ALongOneIsFine) {
  fs::path deep = folder_;
  for (int depth = 0; depth < 4; ++depth) deep /= std::string(60, 'a');
  EXPECT_EQ(said("TMPDIR", deep.string()), "");
}

TEST_F(TemporaryFolder, AnEmptyVariableCountsAsNone) {
  ::setenv("TMPDIR", "", 1);
  EXPECT_EQ(said("TEMP", folder_.string()), "");
  EXPECT_EQ(::getenv("TMPDIR"), nullptr);
}

}  // namespace
}  // namespace precis
