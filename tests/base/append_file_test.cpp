// What becomes of a file that only grows where it cannot be written for a while.
#include "lib/base/append_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <vector>

#include "lib/base/files.h"
#include "lib/base/whole_files.h"
#include "tests/report/temp_folder.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

/// While it lives no file may become longer than this: a write that goes beyond is cut, as on a
/// disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

struct Told {
  std::vector<std::string> sentences;
  Tell tell() {
    return [this](const std::string& sentence) { sentences.push_back(sentence); };
  }
};

TEST(AppendFile, NothingGrowsInAnotherFolder) {
  const TempFolder folder, other;
  write_file(other / "theirs", "before\n");
  fs::create_symlink(other / "theirs", folder / "soft");
  fs::create_hard_link(other / "theirs", folder / "hard");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  Told told;
  {
    AppendFile soft(folder / "soft", told.tell()), hard(folder / "hard", told.tell());
    hard.append("after\n");
    soft.append("after\n");
    EXPECT_FALSE(soft.is_complete());
    EXPECT_TRUE(hard.is_complete());
  }
  EXPECT_EQ(read_file(other / "theirs"), "before\n");
  EXPECT_EQ(read_file(folder / "hard"), "before\nafter\n");
  ASSERT_EQ(told.sentences.size(), 2U);
  EXPECT_NE(told.sentences[0].find("soft: is a link"), std::string::npos) << told.sentences[0];
  AppendFile(folder / "pipe", told.tell()).append("x");  // waits for no reader
  EXPECT_NE(told.sentences[2].find("pipe"), std::string::npos);
}

TEST(AppendFile, WhatAFullDiskDoesNotTakeIsWrittenOnceThereIsRoom) {
  const TempFolder folder;
  Told told;
  AppendFile file(folder / "f", told.tell());
  file.append("one\n");
  {
    const FullDisk disk(10);
    for (const char* piece : {"two and more\n", "three\n"}) {
      file.append(piece);
      EXPECT_EQ(read_file(folder / "f"), "one\n") << "no piece is cut";
      EXPECT_FALSE(file.is_complete());
    }
  }
  ASSERT_EQ(told.sentences.size(), 1U) << "once";
  EXPECT_NE(told.sentences[0].find((folder / "f").string()), std::string::npos);
  file.append("four\n");
  EXPECT_EQ(read_file(folder / "f"), "one\ntwo and more\nthree\nfour\n");
  EXPECT_TRUE(file.is_complete());
  ASSERT_EQ(told.sentences.size(), 2U);
  EXPECT_NE(told.sentences[1].find("again"), std::string::npos);
}

TEST(AppendFile, AFolderThatIsRemovedIsMadeAnewWithAllThatTheFileHeld) {
  const TempFolder folder;
  AppendFile file(folder / "run/f");
  file.append("one\n");
  fs::remove_all(folder / "run");
  file.append("two\n");
  EXPECT_EQ(read_file(folder / "run/f"), "one\ntwo\n");
  fs::remove(folder / "run/f");
  file.append("three\n");
  EXPECT_EQ(read_file(folder / "run/f"), "one\ntwo\nthree\n");
}

TEST(AppendFile, AFolderThatComesLaterTakesWhatWaited) {
  const TempFolder folder;
  Told told;
  AppendFile file(folder / "disk/run/f", told.tell(), "content\n");
  file.append("one\n");
  EXPECT_FALSE(fs::exists(folder / "disk")) << "a disk that is gone is not made up for";
  EXPECT_EQ(told.sentences.size(), 1U);
  fs::create_directories(folder / "disk/run");
  file.append("two\n");
  EXPECT_EQ(read_file(folder / "disk/run/f"), "content\none\ntwo\n");
}

TEST(AppendFile, WhatIsLostInTheEndIsTold) {
  Told told;
  {
    AppendFile file("/dev/full", told.tell());
    file.append("x");
    EXPECT_FALSE(file.is_complete());
  }
  ASSERT_EQ(told.sentences.size(), 2U);
  EXPECT_NE(told.sentences[0].find("/dev/full: cannot be written"), std::string::npos);
  EXPECT_NE(told.sentences[1].find("lost"), std::string::npos);
}

TEST(WholeFiles, OneThatFailsIsKeptAndTriedAgain) {
  const TempFolder folder;
  Told told;
  WholeFiles files(told.tell());
  fs::create_directory(folder / "f");  // in its way
  for (const char* content : {"old", "new"})
    files.write("f", [&, content] { write_file(folder / "f", content); });
  EXPECT_EQ(told.sentences.size(), 1U);
  EXPECT_FALSE(files.is_complete());
  EXPECT_NE(files.reasons().find((folder / "f").string()), std::string::npos);
  files.retry();
  EXPECT_FALSE(files.is_complete());
  fs::remove(folder / "f");
  files.retry();
  EXPECT_TRUE(files.is_complete());
  EXPECT_EQ(read_file(folder / "f"), "new");
  EXPECT_EQ(told.sentences.size(), 2U);
}

TEST(KeepAside, NeverTakesAnothersPlace) {
  const TempFolder folder;
  for (const char* content : {"first", "second"}) {
    write_file(folder / "last.pt", content);
    ASSERT_TRUE(keep_aside(folder / "last.pt"));
    EXPECT_FALSE(fs::exists(folder / "last.pt"));
  }
  EXPECT_EQ(read_file(folder / "last.pt.damaged"), "first");
  EXPECT_EQ(read_file(folder / "last.pt.damaged-2"), "second");
  EXPECT_FALSE(keep_aside(folder / "absent"));
}

}  // namespace
}  // namespace precis
