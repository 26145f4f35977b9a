#include "lib/base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

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

TEST_F(Files, PiecesOfAllSizesComeInTheirOrder) {
  std::string whole;
  AtomicFile file(folder_ / "pieces");
  for (const size_t size : {1, 70'000, 3, 40'000, 40'000, 0, 65'535, 1, 65'536, 9}) {
    const std::string piece(size, static_cast<char>('a' + whole.size() % 26));
    file.write(piece);
    whole += piece;
  }
  file.commit();
  EXPECT_EQ(read_file(folder_ / "pieces"), whole);
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

TEST_F(Files, WritesIntoTheWorkingDirectory) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  write_file("bare", "x");
  fs::current_path(before);
  EXPECT_EQ(content(folder_ / "bare"), "x");
}

TEST_F(Files, WriteErrorsNameTheAbsolutePath) {
  const fs::path inside = folder_ / "none" / "f";
  const std::string no_folder = data_error([&] { write_file(inside, "x"); });
  EXPECT_NE(no_folder.find(inside.string() + ": "), std::string::npos) << no_folder;
  EXPECT_NE(no_folder.find("no folder " + inside.parent_path().string()), std::string::npos)
      << no_folder;
  fs::create_directory(folder_ / "folder");
  const std::string onto_folder = data_error([&] { write_file(folder_ / "folder", "x"); });
  EXPECT_NE(onto_folder.find((folder_ / "folder").string() + ": is a folder"), std::string::npos)
      << onto_folder;
  expect_alone("folder");
}

TEST_F(Files, AReplacedFileKeepsItsModeAndANewOneIsAsTheUmaskSays) {
  const auto mode = [&](const char* name) {
    struct stat status {};
    EXPECT_EQ(::stat((folder_ / name).c_str(), &status), 0);
    return status.st_mode & 0777;
  };
  const mode_t before = ::umask(027);
  write_file(folder_ / "new", "x");
  write_file(folder_ / "private", "x");
  ::chmod((folder_ / "private").c_str(), 0600);
  write_file(folder_ / "private", "y");
  ::umask(before);
  EXPECT_EQ(mode("new"), 0640U);
  EXPECT_EQ(mode("private"), 0600U);
  EXPECT_EQ(content(folder_ / "private"), "y");
}

TEST_F(Files, ALinkStaysAndWhatItLeadsToIsReplaced) {
  fs::create_directories(folder_ / "real");
  write_file(folder_ / "real/f", "old");
  fs::create_symlink("real/f", folder_ / "relative");
  fs::create_symlink(folder_ / "relative", folder_ / "chain");
  fs::create_symlink(folder_ / "real/not yet", folder_ / "dangling");
  struct stat before {
  }, after{};
  ::stat((folder_ / "real/f").c_str(), &before);
  write_file(folder_ / "chain", "new");
  ::stat((folder_ / "real/f").c_str(), &after);
  EXPECT_NE(before.st_ino, after.st_ino) << "replaced whole, not written into";
  write_file(folder_ / "dangling", "made");
  for (const char* link : {"relative", "chain", "dangling"})
    EXPECT_TRUE(fs::is_symlink(folder_ / link)) << link;
  EXPECT_EQ(content(folder_ / "real/f"), "new");
  EXPECT_EQ(content(folder_ / "real/not yet"), "made");

  fs::create_symlink("b", folder_ / "a");
  fs::create_symlink("a", folder_ / "b");
  EXPECT_NE(data_error([&] { write_file(folder_ / "a", "x"); }).find("lead to each other"),
            std::string::npos);
  EXPECT_TRUE(fs::is_symlink(folder_ / "a"));
}

TEST_F(Files, ALinkIsReplacedWhereOutputsMustNotLeaveTheirFolder) {
  const fs::path elsewhere = folder_ / "elsewhere";
  write_file(elsewhere, "theirs");
  fs::create_symlink(elsewhere, folder_ / "soft");
  fs::create_symlink(folder_ / "nowhere", folder_ / "dangling");
  fs::create_hard_link(elsewhere, folder_ / "hard");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const char* name : {"soft", "dangling", "hard", "pipe", "new"}) {
    const fs::path path = folder_ / name;
    fs::create_hard_link(elsewhere, AtomicFile::beside(path));  // what is written beside it, too
    write_file(path, "ours", Links::kReplace);
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(path))) << name;
    EXPECT_EQ(content(path), "ours") << name;
    EXPECT_EQ(content(elsewhere), "theirs") << name;
  }
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
  fs::create_directory(folder_ / "folder");
  EXPECT_NE(
      data_error([&] { write_file(folder_ / "folder", "x", Links::kReplace); }).find("is a folder"),
      std::string::npos);
}

TEST_F(Files, ANamedPipeIsWrittenIntoAndStays) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string sent(size_t{1} << 20, 'x');  // more than a pipe holds
  const pid_t child = ::fork();
  if (child == 0) {
    std::ifstream in(pipe, std::ios::binary);
    const std::string got{std::istreambuf_iterator<char>(in), {}};
    ::_exit(got == sent ? 0 : 1);
  }
  write_file(pipe, sent);
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "the reader did not get what was written";
  EXPECT_TRUE(fs::is_fifo(pipe));
  expect_alone("pipe");
}

TEST_F(Files, AReaderThatHasGoneIsAnErrorNotTheEnd) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);  // as in every program
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  const std::string path = "/dev/fd/" + std::to_string(ends[1]);
  const std::string gone = data_error([&] { write_file(path, "x"); });
  ::close(ends[1]);
  ::signal(SIGPIPE, before);
  EXPECT_NE(gone.find(path + ": cannot be written: who read it has gone"), std::string::npos)
      << gone;
}

// Links as /dev/stdout is one; never the real one, which a fault would replace for the whole
// machine.
TEST_F(Files, AnOpenDescriptorIsWrittenIntoWhereItStands) {
  const int fd = ::open((folder_ / "f").c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(::write(fd, "before ", 7), 7);
  fs::create_symlink("/proc/self/fd/" + std::to_string(fd), folder_ / "link");
  for (const fs::path& path : {folder_ / "link", fs::path("/dev/fd/" + std::to_string(fd)),
                               fs::path("/proc/self/fd/" + std::to_string(fd))})
    write_file(path, "x");
  ASSERT_EQ(::write(fd, " after", 6), 6) << "and it is still open";
  ::close(fd);
  EXPECT_EQ(content(folder_ / "f"), "before xxx after");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  data_error([&] { write_file(folder_ / "link", "x"); });  // closed by now
}

TEST_F(Files, ATerminalIsWrittenIntoThroughALink) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_EQ(::grantpt(terminal), 0);
  ASSERT_EQ(::unlockpt(terminal), 0);
  fs::create_symlink(::ptsname(terminal), folder_ / "link");
  write_file(folder_ / "link", "x");
  char got = 0;
  EXPECT_EQ(::read(terminal, &got, 1), 1);
  EXPECT_EQ(got, 'x');
  EXPECT_TRUE(fs::is_character_file(folder_ / "link"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  ::close(terminal);
}

}  // namespace
}  // namespace precis
