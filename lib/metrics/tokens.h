// Texts as numbers: rouge_score's tokenizer (tokenize.py, 0.1.2), each distinct token an id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace precis {

/// A text as token ids, and where its sentences end. Sentences are the text's non-empty lines
/// ("\n").
struct TokenizedText {
  std::vector<uint32_t> tokens;
  std::vector<size_t>
      sentence_ends;  ///< past-the-end indices into tokens; sentences without tokens are left out
};

/// Gives every distinct token an id, counting from 0. Ids of one table can be compared, of two
/// tables not.
class TokenTable {
 public:
  explicit TokenTable(bool use_stemmer);

  /// Lower-cases, splits at all but letters a-z and digits, and stems tokens of more than three
  /// characters.
  TokenizedText tokenize(std::string_view utf8_text);
  /// The number of distinct tokens so far.
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t hash;
    size_t begin;  ///< in characters_
    size_t length;
  };

  uint32_t id_of(std::string_view token);
  void grow();

  bool use_stemmer_;
  std::string characters_;  ///< all distinct tokens, one after another
  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;  ///< open addressing: index into entries_ plus one, 0 is free
};

}  // namespace precis
