// English stems: M. F. Porter, "An algorithm for suffix stripping", Program 14 (1980), with the
// changes of NLTK's PorterStemmer in its default mode (NLTK_EXTENSIONS), which rouge_score uses.
#pragma once

#include <string>
#include <string_view>

namespace precis {

/// Replaces a word by its stem, never longer than the word. Expects lower-case ASCII letters and
/// digits (a digit counts as a consonant); words of one or two characters stay as they are.
void porter_stem(std::string& word);

/// The stem of a word, as porter_stem.
inline std::string porter_stemmed(std::string_view word) {
  std::string stem(word);
  porter_stem(stem);
  return stem;
}

}  // namespace precis
