// Learns a byte-level BPE vocabulary from texts.
// Source: Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units" (ACL
// 2016), over GPT-2's pieces.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lib/text/bpe_tokenizer.h"

namespace precis {

/// The fewest tokens a vocabulary can have: the bytes and <|endoftext|>.
inline constexpr int32_t kMinVocabSize = 257;

/// Merges the most frequent pair of neighbours, the one of smaller ids among equals, until there
/// are vocab_size tokens or no pair occurs twice. Ids: 256 bytes, merges in order, <|endoftext|>.
/// The same texts give the same vocabulary. Throws ConfigError if vocab_size is below
/// kMinVocabSize.
BpeTokenizer train_bpe(std::span<const std::string> texts, int32_t vocab_size);

}  // namespace precis
