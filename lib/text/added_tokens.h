// Tokens beside those that merges make: <pad>, <sep>, #Person1#. Reference: tokenizers'
// added_vocabulary.rs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/formats/value.h"

namespace precis {

/// One of them, as the array "added_tokens" of tokenizer.json describes it.
struct AddedToken {
  static constexpr int32_t kIdOfVocabulary = -1;  ///< no id is said: the one that vocab.json has

  std::string content;
  int32_t id = kIdOfVocabulary;
  bool special = false;      ///< leaves no text in a summary
  bool single_word = false;  ///< in texts: not as a part of a word
  bool lstrip = false;       ///< in texts: takes white space before it along
  bool rstrip = false;       ///< in texts: and after it
  bool normalized = false;   ///< in texts: looked for after those that are not normalized

  bool operator==(const AddedToken&) const = default;
};

/// From such an array; a list that is None holds none. `where` begins every error. Throws
/// DataError.
std::vector<AddedToken> added_tokens_of(const Value& list, const std::string& where);

/// The array as JSON, an object a line, each line indented.
std::string added_tokens_json(const std::vector<AddedToken>& tokens);

/// Finds added tokens in texts as tokenizers does: of those that begin first the longest.
class AddedTokenFinder {
 public:
  struct Match {
    size_t begin = 0, end = 0;  ///< bytes of the text, with the white space that goes along
    size_t token_end = 0;       ///< where to look on: white space may be the next token's beginning
    int32_t id = 0;
  };

  AddedTokenFinder() = default;
  explicit AddedTokenFinder(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }
  /// The first match after `last` (which is all zeros at the beginning); false where there is none.
  bool next(std::string_view text, const Match& last, Match& match) const;

 private:
  const AddedToken* longest_at(std::string_view text, size_t at) const;

  std::vector<AddedToken> tokens_;                        // longest first
  std::array<std::vector<uint32_t>, 256> by_first_byte_;  // into tokens_
};

}  // namespace precis
