// Where vocabularies are read from: a folder with vocab.json and merges.txt, one with
// tokenizer.json, or a checkpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/added_tokens.h"

namespace precis {

/// A vocabulary as texts: what a checkpoint carries.
struct VocabularyTexts {
  std::string vocab_json;
  std::string merges_txt;
  std::string added_tokens;  ///< as "added_tokens" of tokenizer.json; "": none but <|endoftext|>
  bool operator==(const VocabularyTexts&) const = default;
};

/// A vocabulary as it was found, with the names that errors call its parts by.
struct VocabularySource {
  std::string vocab_json;
  std::string vocab_name;
  int64_t vocab_line = 1;  ///< of the file, where vocab_json begins
  std::string merges_txt;
  std::string merges_name;
  std::string_view merges_unit = "line";  ///< what errors count
  std::vector<AddedToken> added_tokens;
};

/// Whether a folder has vocab.json, or tokenizer.json.
bool holds_vocabulary(const std::filesystem::path& folder);

/// The vocabulary of a folder: vocab.json and merges.txt where both are there, else tokenizer.json.
/// Added tokens are those of tokenizer.json, tokenizer_config.json (added_tokens_decoder) and
/// added_tokens.json, of two that differ the first; those that tokenizer_config.json or
/// special_tokens_map.json name (pad_token and its kind) are special. Throws DataError naming the
/// file.
VocabularySource read_vocabulary(const std::filesystem::path& folder);

/// The same from texts; `where` begins every error.
VocabularySource source_of(const VocabularyTexts& texts, const std::string& where);

}  // namespace precis
