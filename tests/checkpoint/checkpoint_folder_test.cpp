// The checkpoints of a run folder: rotation, what is newest, and what a killed process leaves.
#include "lib/checkpoint/checkpoint_folder.h"

#include <set>

#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::expect_words;
using testing::TemporaryFolder;

Value checkpoint_of(int64_t iter) {
  Value value = Value::dict();
  value.set("iter_num", iter);
  value.set("model",
            testing::array_of<float>(ElementType::kFloat32, {2}, {1, static_cast<float>(iter)}));
  return value;
}

std::set<std::string> files_in(const TemporaryFolder& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.insert(entry.path().filename().string());
  return names;
}

/// Flips a bit of a tensor.
void damage(const std::filesystem::path& path) {
  std::string bytes = read_file(path);
  bytes[bytes.find(std::string("\0\0\x80\x3f", 4))] ^= 1;
  std::filesystem::remove(path);  // not the other names of the same file
  write_file(path, bytes);
}

using Names = std::set<std::string>;

TEST(CheckpointFolder, KeepsTheNewestOfThoseThatAreNumbered) {
  const TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path());
  for (const int64_t iter : {5, 10, 15, 20}) checkpoints.save_last(checkpoint_of(iter), iter, 2);
  EXPECT_EQ(files_in(folder), (Names{"last.pt", "iter-000015.pt", "iter-000020.pt"}));
  EXPECT_EQ(read_pt(checkpoints.numbered(15)).find("iter_num")->integer(), 15)
      << "an older one is not changed by a later save";
  EXPECT_EQ(read_pt(checkpoints.last()).find("iter_num")->integer(), 20);
  checkpoints.save_last(checkpoint_of(20), 20, 2);  // the same iteration once more
  EXPECT_EQ(files_in(folder), (Names{"last.pt", "iter-000015.pt", "iter-000020.pt"}));
  checkpoints.save_last(checkpoint_of(17), 17,
                        1);  // what is further along is not this run's to remove
  EXPECT_EQ(files_in(folder), (Names{"last.pt", "iter-000017.pt", "iter-000020.pt"}));
  checkpoints.save_last(checkpoint_of(1'234'567), 1'234'567, 3);
  EXPECT_TRUE(files_in(folder).count("iter-1234567.pt"));
}

TEST(CheckpointFolder, NumbersWhatAProcessWasKilledBefore) {
  const TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path());
  for (const int64_t iter : {5, 10}) checkpoints.save_last(checkpoint_of(iter), iter, 2);
  checkpoints.save_last(checkpoint_of(15), 15, 0);  // no further than that
  checkpoints.number_last(15, 2);
  EXPECT_EQ(files_in(folder), (Names{"last.pt", "iter-000010.pt", "iter-000015.pt"}));
  EXPECT_EQ(read_pt(checkpoints.numbered(15)).find("iter_num")->integer(), 15);
  checkpoints.number_last(15, 2);
  EXPECT_EQ(files_in(folder), (Names{"last.pt", "iter-000010.pt", "iter-000015.pt"}));
}

TEST(CheckpointFolder, NumbersNoneWithoutKeepLast) {
  const TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path());
  checkpoints.save_last(checkpoint_of(5), 5, 0);
  checkpoints.save_best(checkpoint_of(3));
  EXPECT_EQ(files_in(folder), (Names{"last.pt", "ckpt.pt"}));
}

/// What newest() says, with the iteration of the file that it read and how many it tried.
struct Search {
  explicit Search(const CheckpointFolder& checkpoints) {
    found = checkpoints.newest([&](const std::filesystem::path& path) {
      ++tried;
      iter = read_pt(path).find("iter_num")->integer().value();
    });
  }
  CheckpointFolder::Newest found;
  int64_t iter = -1;
  int tried = 0;
};

TEST(CheckpointFolder, FindsTheNewestThatIsWhole) {
  const TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path());
  EXPECT_FALSE(Search(checkpoints).found.path.has_value());
  checkpoints.save_best(checkpoint_of(5));
  EXPECT_EQ(Search(checkpoints).iter, 5);
  for (const int64_t iter : {10, 15, 20}) checkpoints.save_last(checkpoint_of(iter), iter, 3);
  const Search whole(checkpoints);
  EXPECT_EQ(whole.found.path, checkpoints.last());
  EXPECT_EQ(whole.iter, 20);
  EXPECT_EQ(whole.tried, 1);
  EXPECT_TRUE(whole.found.damaged.empty());

  damage(checkpoints.last());
  damage(checkpoints.numbered(20));
  const Search older(checkpoints);
  EXPECT_EQ(older.found.path, checkpoints.numbered(15));
  EXPECT_EQ(older.iter, 15);
  ASSERT_EQ(older.found.damaged.size(), 2U);
  expect_words(older.found.reasons.at(0), {"last.pt", "checksum"});
  EXPECT_EQ(older.found.damaged[0], checkpoints.last());
  EXPECT_EQ(older.found.lost_iter, 20);

  for (const auto& path : {checkpoints.numbered(15), checkpoints.numbered(10), checkpoints.best()})
    damage(path);
  const Search none(checkpoints);
  EXPECT_FALSE(none.found.path.has_value());
  EXPECT_EQ(none.found.damaged.size(), 5U);
}

TEST(CheckpointFolder, ADamagedFileOfTwoNamesIsReadOnce) {
  const TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path());
  for (const int64_t iter : {10, 20}) checkpoints.save_last(checkpoint_of(iter), iter, 3);
  damage(checkpoints.last());
  std::filesystem::remove(checkpoints.numbered(20));
  std::filesystem::create_hard_link(checkpoints.last(), checkpoints.numbered(20));
  const Search search(checkpoints);
  EXPECT_EQ(search.iter, 10);
  EXPECT_EQ(search.tried, 2);
  EXPECT_EQ(search.found.reasons.size(), 1U);
  EXPECT_EQ(search.found.damaged.size(), 2U) << "by both names";
}

TEST(CheckpointFolder, NothingIsWrittenThroughALink) {
  const TemporaryFolder folder, elsewhere;
  const CheckpointFolder checkpoints(folder.path());
  write_file(elsewhere / "big.pt", "theirs");
  std::filesystem::create_symlink(elsewhere / "big.pt", checkpoints.last());
  std::filesystem::create_hard_link(elsewhere / "big.pt", folder / ".last.pt.new");
  for (const int64_t iter : {10, 20}) checkpoints.save_last(checkpoint_of(iter), iter, 3);
  EXPECT_TRUE(
      std::filesystem::is_regular_file(std::filesystem::symlink_status(checkpoints.last())));
  EXPECT_EQ(read_file(elsewhere / "big.pt"), "theirs");
  EXPECT_EQ(read_pt(checkpoints.last()).find("iter_num")->integer(), 20);
  EXPECT_EQ(read_pt(checkpoints.numbered(10)).find("iter_num")->integer(), 10);
}

TEST(CheckpointFolder, EvaluatesTheBestElseTheLast) {
  const TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path());
  EXPECT_FALSE(checkpoints.to_evaluate().has_value());
  checkpoints.save_last(checkpoint_of(10), 10, 0);
  EXPECT_EQ(checkpoints.to_evaluate(), checkpoints.last());
  checkpoints.save_best(checkpoint_of(5));
  EXPECT_EQ(checkpoints.to_evaluate(), checkpoints.best());
}

TEST(CheckpointFolder, RemovesWhatAKilledWriteLeft) {
  const TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path());
  checkpoints.save_last(checkpoint_of(5), 5, 1);
  for (const char* name :
       {".last.pt.new", ".ckpt.pt.new", ".iter-000005.pt.new", ".notes.pt.new", "other.pt.new"}) {
    write_file(folder / name, "x");
  }
  checkpoints.remove_leftovers();
  EXPECT_EQ(files_in(folder),
            (Names{"last.pt", "iter-000005.pt", ".notes.pt.new", "other.pt.new"}));
  CheckpointFolder(folder / "none").remove_leftovers();
}

}  // namespace
}  // namespace precis
