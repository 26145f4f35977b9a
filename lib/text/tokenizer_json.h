// tokenizer.json, in which Hugging Face's tokenizers keep a whole tokenizer. Reference: tokenizers'
// models/bpe/serialization.rs and tokenizer/serialization.rs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/text/added_tokens.h"
#include "lib/text/vocabulary_files.h"

namespace precis {

/// Reads one; merges may be texts ("a b") or pairs (["a", "b"]). `name` names the file in errors.
/// Throws DataError: malformed, or another kind of tokenizer than GPT-2's byte-level BPE, by its
/// name.
VocabularySource parse_tokenizer_json(std::string_view text, const std::string& name);

/// Its added tokens alone, whatever its kind.
std::vector<AddedToken> added_tokens_of_tokenizer_json(std::string_view text,
                                                       const std::string& name);

/// The content of tokenizer.json for a vocabulary, `vocab_json` and plain_merges(): transformers
/// and tokenizers read the same ids from it.
std::string make_tokenizer_json(std::string_view vocab_json, std::string_view merges_txt,
                                const std::vector<AddedToken>& added_tokens);

}  // namespace precis
