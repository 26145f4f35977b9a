#include "lib/text/merge_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/base/random.h"

namespace precis {
namespace {

/// The definition, word for word: the lowest rank, of equal ones the leftmost, one merge after
/// another.
std::vector<int32_t> merged_naively(std::vector<int32_t> ids, const MergeTable& table) {
  for (;;) {
    size_t best = 0;
    uint32_t rank = MergeTable::kNoRank;
    for (size_t i = 0; i + 1 < ids.size(); ++i)
      if (const uint32_t found = table.find(ids[i], ids[i + 1]).rank; found < rank) {
        rank = found;
        best = i;
      }
    if (rank == MergeTable::kNoRank) return ids;
    ids[best] = table.find(ids[best], ids[best + 1]).id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

/// Random merges over the tokens 0 to 3; later tokens are merged themselves.
MergeTable random_table(RandomStream& random, int32_t num_merges) {
  MergeTable table(static_cast<size_t>(num_merges));
  for (int32_t merge = 0; merge < num_merges; ++merge) {
    const int32_t id = 4 + merge;
    while (!table.add(static_cast<int32_t>(random.below(static_cast<uint64_t>(id))),
                      static_cast<int32_t>(random.below(4)), {static_cast<uint32_t>(merge), id})) {
    }
  }
  return table;
}

TEST(MergeTable, FindsWhatWasAdded) {
  MergeTable table(2);
  EXPECT_TRUE(table.add(1, 2, {0, 7}));
  EXPECT_TRUE(table.add(2, 1, {1, 8}));
  EXPECT_FALSE(table.add(1, 2, {2, 9}));
  EXPECT_EQ(table.find(1, 2).id, 7);
  EXPECT_EQ(table.find(2, 1).rank, 1U);
  EXPECT_EQ(table.find(2, 2).rank, MergeTable::kNoRank);
}

TEST(MergeTable, AppliesMergesAsDefinedAtAllLengths) {
  RandomStream random(3);
  MergeScratch scratch;
  size_t merged = 0;
  for (int round = 0; round < 600; ++round) {
    const MergeTable table = random_table(random, 1 + static_cast<int32_t>(random.below(40)));
    std::vector<int32_t> ids(random.below(300));
    const uint64_t num_letters = 1 + random.below(4);
    for (int32_t& id : ids) id = static_cast<int32_t>(random.below(num_letters));
    const std::vector<int32_t> expected = merged_naively(ids, table);
    merged += ids.size() - expected.size();
    table.apply(ids, scratch);
    ASSERT_EQ(ids, expected) << "round " << round;
  }
  EXPECT_GT(merged, 10000U);
}

}  // namespace
}  // namespace precis
