// Whether an output can be written, asked before the work begins. Where outputs go is in
// files_test.
#include "lib/base/output_target.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "lib/base/errors.h"
#include "lib/base/files.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

class Output : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "precis-output-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = fs::canonical(name);
    write_file(folder_ / "file", "x");
    fs::create_directory(folder_ / "folder");
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string said(const std::function<void()>& check) {
    try {
      check();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }
  std::string of_file(const fs::path& path) const {
    return said([&] { check_output_file(path, "--output"); });
  }
  std::string of_folder(const fs::path& path) const {
    return said([&] { check_output_folder(path, "--output"); });
  }

  fs::path folder_;
};

TEST_F(Output, AFileMayStandOrBeMadeInAFolderThatIsThere) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  fs::create_symlink("folder/new", folder_ / "dangling");
  for (const char* name : {"file", "new", "folder/new", "pipe", "dangling"})
    EXPECT_EQ(of_file(folder_ / name), "") << name;
  EXPECT_EQ(of_file("/dev/fd/1"), "");
  EXPECT_FALSE(fs::exists(folder_ / "new")) << "asking changes nothing";
}

TEST_F(Output, AFileThatCannotBeIsToldWithWhatToDo) {
  fs::create_symlink("folder", folder_ / "to folder");
  fs::create_symlink("none/new", folder_ / "to nowhere");
  const std::string at = folder_.string();
  EXPECT_EQ(of_file(folder_ / "folder"),
            "--output " + at + "/folder: is a folder; name a file in it");
  EXPECT_NE(of_file(folder_ / "to folder").find("is a folder"), std::string::npos);
  EXPECT_NE(of_file(folder_ / "new/").find("no folder " + at + "/new"), std::string::npos);
  for (const char* name : {"none/new", "to nowhere"})
    EXPECT_NE(of_file(folder_ / name).find("there is no folder " + at + "/none; make it first"),
              std::string::npos)
        << of_file(folder_ / name);
  EXPECT_NE(of_file(folder_ / "file/new").find("there is no folder " + at + "/file"),
            std::string::npos);
  EXPECT_EQ(of_file(""), "--output names no file");
}

TEST_F(Output, AFolderMayBeThereOrBeMade) {
  for (const char* name : {"folder", "folder/", "new", "new/and/more"})
    EXPECT_EQ(of_folder(folder_ / name), "") << name;
  EXPECT_NE(of_folder(folder_ / "file").find("/file: is a file; expected a folder"),
            std::string::npos)
      << of_folder(folder_ / "file");
  EXPECT_NE(
      of_folder(folder_ / "file/new").find("/file/new: " + folder_.string() + "/file is a file"),
      std::string::npos)
      << of_folder(folder_ / "file/new");
}

TEST_F(Output, WhatGrowsMustNotBeALinkAndNothingAPipe) {
  constexpr std::string_view kGrowing[] = {"log", "board"};
  const auto of = [&](const fs::path& folder) {
    return said([&] { check_stays_inside(folder, kGrowing, "run.out_dir"); });
  };
  EXPECT_EQ(of(folder_), "");
  EXPECT_EQ(of(folder_ / "not there"), "");
  fs::create_symlink(folder_ / "file", folder_ / "other");
  fs::create_symlink(folder_, folder_ / "folder/link");
  EXPECT_EQ(of(folder_), "") << "what does not grow takes the place of a link";
  EXPECT_EQ(of(folder_ / "folder/link"), "") << "the folder itself may be one";
  fs::create_symlink("/nowhere", folder_ / "log");
  EXPECT_NE(of(folder_).find("log in it is a link (to /nowhere)"), std::string::npos);
  fs::remove(folder_ / "log");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_NE(of(folder_).find("pipe in it is a pipe or a device"), std::string::npos);
}

}  // namespace
}  // namespace precis
