#include "lib/base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "lib/base/errors.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "precis-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void expect_alone(const std::string& name) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.push_back(entry.path().filename());
    EXPECT_EQ(names, std::vector<std::string>{name});
  }
  template <typename Call>
  static std::string data_error(Call call) {
    try {
      call();
    } catch (const DataError& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  fs::path folder_;
};

TEST_F(Files, ReadsBytesAsTheyAre) {
  std::string bytes = "a\r\n\0b\xFF";
  bytes.resize(size_t{9} << 20, 'x');  // more than two of its reads
  write_file(folder_ / "f", bytes);
  EXPECT_EQ(read_file(folder_ / "f"), bytes);
  write_file(folder_ / "f", "");
  EXPECT_EQ(read_file(folder_ / "f"), "");
}

TEST_F(Files, ReadsFromAPipe) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::ofstream(pipe) << "through a pipe";
    ::_exit(0);
  }
  EXPECT_EQ(read_file(pipe), "through a pipe");
}

TEST_F(Files, ReadErrorsNameTheAbsolutePath) {
  const std::string missing = data_error([] { read_file("no-such-folder/f"); });
  EXPECT_NE(missing.find((fs::current_path() / "no-such-folder/f").string() + ": "),
            std::string::npos)
      << missing;
  EXPECT_NE(missing.find("No such file"), std::string::npos) << missing;
  const std::string folder = data_error([&] { read_file(folder_); });
  EXPECT_NE(folder.find("directory"), std::string::npos) << folder;
}

TEST_F(Files, WriteReplacesAndLeavesNothingBeside) {
  write_file(folder_ / "f", "old and longer");
  write_file(folder_ / "f", "new");
  EXPECT_EQ(content(folder_ / "f"), "new");
  expect_alone("f");
}

TEST_F(Files, OldFileStandsUntilCommit) {
  write_file(folder_ / "f", "old");
  AtomicFile file(folder_ / "f");
  file.write("ne");
  EXPECT_EQ(content(folder_ / "f"), "old");
  file.write("w");
  EXPECT_EQ(content(folder_ / "f"), "old");
  file.commit();
  EXPECT_EQ(content(folder_ / "f"), "new");
  expect_alone("f");
}

TEST_F(Files, WithoutCommitNothingChanges) {
  write_file(folder_ / "f", "old");
  {
    AtomicFile file(folder_ / "f");
    file.write("new");
  }
  EXPECT_EQ(content(folder_ / "f"), "old");
  expect_alone("f");
}

TEST_F(Files, WriteAtFillsInWhatWasLeftOut) {
  AtomicFile file(folder_ / "f");
  file.write("??cd");
  file.write_at(0, "ab");
  file.write_at(6, "gh");
  file.write("ef");  // goes on where write() was
  file.commit();
  EXPECT_EQ(content(folder_ / "f"), "abcdefgh");
}

TEST_F(Files, WritesIntoTheWorkingDirectory) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  write_file("bare", "x");
  fs::current_path(before);
  EXPECT_EQ(content(folder_ / "bare"), "x");
}

TEST_F(Files, WriteErrorsNameTheAbsolutePath) {
  const fs::path inside = folder_ / "none" / "f";
  EXPECT_NE(data_error([&] { write_file(inside, "x"); }).find(inside.string() + ": "),
            std::string::npos);
  fs::create_directory(folder_ / "folder");
  const std::string onto_folder = data_error([&] { write_file(folder_ / "folder", "x"); });
  EXPECT_NE(onto_folder.find((folder_ / "folder").string()), std::string::npos) << onto_folder;
  expect_alone("folder");
}

}  // namespace
}  // namespace precis
