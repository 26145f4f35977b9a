// The tokens that end a text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace precis {

/// Ids of the vocabulary, each once; a text ends at the first of any of them.
using EndTokens = std::vector<int32_t>;

inline bool is_end(const EndTokens& end_tokens, int32_t token) {
  return std::find(end_tokens.begin(), end_tokens.end(), token) != end_tokens.end();
}

}  // namespace precis
