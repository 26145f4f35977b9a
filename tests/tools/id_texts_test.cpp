#include "lib/tools/id_texts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "lib/base/random.h"

namespace precis {
namespace {

std::string joined(const std::vector<int32_t>& ids, const std::string& separator) {
  std::string text;
  for (const int32_t id : ids) text += (text.empty() ? "" : separator) + std::to_string(id);
  return text;
}

std::string appended(const IdTexts& texts, const std::vector<int32_t>& ids) {
  std::string text = "before";
  texts.append_to(text, ids);
  return text;
}

TEST(IdTexts, KnowEveryIdOfAVocabulary) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < 120'000; ++id) ids.push_back(id);
  for (const std::string separator : {"", " ", ", "})
    for (const int32_t num_ids : {0, 1, 50'257, 120'000})
      EXPECT_EQ(appended(IdTexts(num_ids, separator), ids), "before" + joined(ids, separator))
          << num_ids;
}

TEST(IdTexts, WriteIdsBeyondIt) {
  const IdTexts texts(300, ", ");
  EXPECT_EQ(appended(texts, {}), "before");
  const std::vector<int32_t> ids{
      299, 300, 99'999, 100'000, 9'999'999, std::numeric_limits<int32_t>::max(), 0};
  EXPECT_EQ(appended(texts, ids), "before" + joined(ids, ", "));
  EXPECT_EQ(appended(texts, std::vector<int32_t>(1000, 2'000'000'000)),
            "before" + joined(std::vector<int32_t>(1000, 2'000'000'000), ", "));
}

TEST(IdTexts, AppendListsOfEveryLength) {
  const IdTexts texts(50'257, " ");
  RandomStream random(9);
  for (size_t length = 0; length < 1100; ++length) {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < length; ++i)
      ids.push_back(static_cast<int32_t>(random.below(50'257) >> random.below(16)));
    ASSERT_EQ(appended(texts, ids), "before" + joined(ids, " ")) << length;
  }
}

}  // namespace
}  // namespace precis
