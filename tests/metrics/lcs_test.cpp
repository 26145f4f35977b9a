// The bit-parallel table against the plain one, walked back as rouge_score does, also beyond one
// word of 64 tokens.
#include "lib/metrics/lcs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace precis {
namespace {

using Ids = std::vector<uint32_t>;
using Table = std::vector<std::vector<size_t>>;

Table plain_table(const Ids& a, const Ids& b) {
  Table t(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      t[i][j] = a[i - 1] == b[j - 1] ? t[i - 1][j - 1] + 1 : std::max(t[i - 1][j], t[i][j - 1]);
    }
  }
  return t;
}

/// rouge_score's _backtrack_norec; flags what it finds.
void plain_backtrack(const Table& t, const Ids& a, const Ids& b, std::vector<bool>& found) {
  for (size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      found[i - 1] = true;
      --i;
      --j;
    } else if (t[i][j - 1] > t[i - 1][j]) {
      --j;
    } else {
      --i;
    }
  }
}

class LcsTest : public testing::Test {
 protected:
  size_t below(size_t n) { return generator_() % n; }
  Ids random_ids(size_t longest, size_t alphabet) {
    Ids ids(below(longest + 1));
    for (uint32_t& id : ids) id = static_cast<uint32_t>(below(alphabet));
    return ids;
  }
  std::mt19937_64 generator_{3};
};

TEST_F(LcsTest, LengthIsThatOfThePlainTable) {
  size_t num_long = 0;
  for (int round = 0; round < 600; ++round) {
    const size_t alphabet = 1 + below(12);
    const Ids a = random_ids(round % 3 == 0 ? 300 : 70, alphabet);
    const Ids b = random_ids(150, alphabet);
    LcsTable table(alphabet);
    ASSERT_EQ(table.length(a, b), plain_table(a, b).back().back());
    ASSERT_EQ(table.length(b, a), plain_table(a, b).back().back());  // the same table again
    if (a.size() > 128) ++num_long;
  }
  EXPECT_GT(num_long, 50U);
}

TEST_F(LcsTest, UnionIsWhatRougeScoreFinds) {
  size_t num_larger = 0;  // unions that no single sentence explains
  for (int round = 0; round < 400; ++round) {
    const size_t alphabet = 1 + below(8);
    const Ids reference = random_ids(round % 4 == 0 ? 200 : 40, alphabet);
    TokenizedText candidate;
    std::vector<bool> expected(reference.size());
    size_t longest = 0;
    for (size_t n = below(5); n > 0; --n) {
      const Ids sentence = random_ids(30, alphabet);
      if (sentence.empty()) continue;
      candidate.tokens.insert(candidate.tokens.end(), sentence.begin(), sentence.end());
      candidate.sentence_ends.push_back(candidate.tokens.size());
      const Table table = plain_table(reference, sentence);
      longest = std::max(longest, table.back().back());
      plain_backtrack(table, reference, sentence, expected);
    }
    LcsTable table(alphabet);
    ASSERT_EQ(table.union_with(reference, candidate), expected);
    if (static_cast<size_t>(std::count(expected.begin(), expected.end(), true)) > longest)
      ++num_larger;
  }
  EXPECT_GT(num_larger, 100U);
}

}  // namespace
}  // namespace precis
