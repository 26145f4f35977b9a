// The checkpoints of a run folder: rotation, what is newest, and what a killed process leaves.
#include "lib/checkpoint/checkpoint_folder.h"

#include <set>

#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::error_of;
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

int64_t iteration_in(const CheckpointFolder::Found& found) {
  return found.content.find("iter_num")->integer().value();
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

TEST(CheckpointFolder, NumbersNoneWithoutKeepLast) {
  const TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path());
  checkpoints.save_last(checkpoint_of(5), 5, 0);
  checkpoints.save_best(checkpoint_of(3));
  EXPECT_EQ(files_in(folder), (Names{"last.pt", "ckpt.pt"}));
}

TEST(CheckpointFolder, FindsTheNewestThatIsWhole) {
  const TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path());
  EXPECT_FALSE(checkpoints.newest().has_value());
  checkpoints.save_best(checkpoint_of(5));
  EXPECT_EQ(iteration_in(*checkpoints.newest()), 5);
  for (const int64_t iter : {10, 15, 20}) checkpoints.save_last(checkpoint_of(iter), iter, 3);
  auto found = checkpoints.newest();
  EXPECT_EQ(found->path, checkpoints.last());
  EXPECT_EQ(iteration_in(*found), 20);
  EXPECT_TRUE(found->damaged.empty());

  damage(checkpoints.last());
  damage(checkpoints.numbered(20));
  found = checkpoints.newest();
  EXPECT_EQ(found->path, checkpoints.numbered(15));
  EXPECT_EQ(iteration_in(*found), 15);
  ASSERT_EQ(found->damaged.size(), 2U);
  expect_words(found->damaged[0], {"last.pt", "checksum"});

  for (const auto& path : {checkpoints.numbered(15), checkpoints.numbered(10), checkpoints.best()})
    damage(path);
  expect_words(error_of([&] { checkpoints.newest(); }), {"last.pt", "checksum"});
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
