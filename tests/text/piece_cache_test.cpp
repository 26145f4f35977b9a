#include "lib/text/piece_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "lib/base/random.h"

namespace precis {
namespace {

using SmallCache = PieceCache<16, 3>;

SmallCache::Key key_of(const std::string& piece, const std::string& after = "") {
  const std::string text = piece + after;
  return SmallCache::make_key(text.data(), piece.size(), text.data() + text.size());
}

TEST(PieceCache, KeyIsThePieceWhateverFollows) {
  for (size_t length = 1; length <= SmallCache::kMaxBytes; ++length) {
    const std::string piece(length, 'x');
    EXPECT_EQ(key_of(piece), key_of(piece, "yyyyyyyyyyyyyyyyyyyyyyyy")) << length;
    EXPECT_NE(key_of(piece), key_of(std::string(length - 1, 'x') + "y"));
  }
  EXPECT_NE(key_of("a"), key_of(std::string("a\0", 2)));
}

TEST(PieceCache, NeverGivesAnotherPiecesIds) {
  SmallCache cache(16);  // small, so that entries push each other out
  RandomStream random(11);
  std::map<std::string, std::vector<int32_t>> all;
  int found = 0;
  for (int round = 0; round < 5000; ++round) {
    const std::string piece = std::to_string(random.below(40));
    std::vector<int32_t>& ids = all[piece];
    if (ids.empty())
      for (uint64_t n = 1 + random.below(3); n > 0; --n)
        ids.push_back(static_cast<int32_t>(random.below(50000)));
    if (const SmallCache::Entry* entry = cache.find(key_of(piece))) {
      ++found;
      ASSERT_EQ(std::vector<int32_t>(entry->ids.begin(), entry->ids.begin() + entry->num_ids), ids);
    } else {
      cache.insert(key_of(piece), ids);
      ASSERT_NE(cache.find(key_of(piece)), nullptr);
    }
  }
  EXPECT_GT(found, 500);
  EXPECT_LT(found, 4900);
}

/// Four that all have the same hash, of two places beside two others.
TEST(PieceCache, KeepsFourPiecesOfOnePlace) {
  SmallCache cache(4);
  const std::vector<std::string> pieces{"a", "b", "c", "d", "e"};
  const auto num_kept = [&] {
    return std::ranges::count_if(
        pieces, [&](const std::string& piece) { return cache.find(key_of(piece)) != nullptr; });
  };
  for (int32_t i = 0; i < 4; ++i) {
    cache.insert(key_of(pieces[static_cast<size_t>(i)]), std::vector<int32_t>{i, 7});
    EXPECT_EQ(num_kept(), i + 1);
  }
  EXPECT_EQ(cache.find(key_of("c"))->num_ids, 2);
  EXPECT_EQ(cache.find(key_of("c"))->ids[0], 2);
  cache.insert(key_of("e"), std::vector<int32_t>{4});
  EXPECT_EQ(num_kept(), 4);
  EXPECT_NE(cache.find(key_of("e")), nullptr);
}

/// Words that differ in any one of their bytes lie far from each other.
TEST(PieceCache, KeepsNearlyAllThatThereIsRoomFor) {
  SmallCache cache(size_t{1} << 12);
  std::vector<std::string> pieces;
  for (size_t length = 4; length <= SmallCache::kMaxBytes; ++length)
    for (size_t changed = 0; changed < length; ++changed)
      for (char c = 'a'; c <= 'j'; ++c) {
        pieces.emplace_back(length, 'z');
        pieces.back()[changed] = c;
      }
  for (const std::string& piece : pieces) cache.insert(key_of(piece), std::vector<int32_t>{1});
  const auto num_lost = std::ranges::count_if(
      pieces, [&](const std::string& piece) { return cache.find(key_of(piece)) == nullptr; });
  EXPECT_LT(num_lost, 10) << "of " << pieces.size();
}

TEST(PieceCache, DoesNotKeepWhatHasTooManyIds) {
  SmallCache cache(4);
  cache.insert(key_of("a"), std::vector<int32_t>{1, 2, 3, 4});
  EXPECT_EQ(cache.find(key_of("a")), nullptr);
}

}  // namespace
}  // namespace precis
