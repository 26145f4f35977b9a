// The tokens that end a text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/formats/value.h"

namespace precis {

/// Ids of the vocabulary, each once; a text ends at the first of any of them.
using EndTokens = std::vector<int32_t>;

inline bool is_end(const EndTokens& end_tokens, int32_t token) {
  return std::find(end_tokens.begin(), end_tokens.end(), token) != end_tokens.end();
}

/// One id or a list of them, as files have them. `where` begins errors and warnings ("FILE: KEY");
/// ids that a vocabulary of this size does not have are passed over with a warning. Throws
/// DataError for what is no id.
EndTokens read_end_tokens(const Value& ids, const std::string& where, int64_t vocab_size,
                          std::vector<std::string>& warnings);

/// One id, or a list of several.
Value end_tokens_json(const EndTokens& end_tokens);

}  // namespace precis
