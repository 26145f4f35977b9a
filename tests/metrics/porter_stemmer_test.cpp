// The stemmer against NLTK's stems.
#include "lib/metrics/porter_stemmer.h"

#include <gtest/gtest.h>

#include <fstream>

namespace precis {
namespace {

TEST(PorterStemmer, StemsAsNltk) {
  std::ifstream file("tests/golden/rouge_stems.txt");
  std::string word;
  std::string stem;
  size_t num_words = 0;
  size_t num_changed = 0;
  while (file >> word >> stem) {
    EXPECT_EQ(porter_stemmed(word), stem) << word;
    ++num_words;
    if (word != stem) ++num_changed;
  }
  EXPECT_GE(num_words, 5000U);
  EXPECT_GE(num_changed, 3000U);
}

TEST(PorterStemmer, HandlesWordsThatAreAllSuffix) {
  for (const char* word :
       {"sss", "ies", "ied", "eed", "ing", "ion", "logi", "alli", "yyy", "123"}) {
    EXPECT_FALSE(porter_stemmed(word).empty()) << word;
  }
  EXPECT_EQ(porter_stemmed(""), "");
  EXPECT_EQ(porter_stemmed("as"), "as");
}

}  // namespace
}  // namespace precis
