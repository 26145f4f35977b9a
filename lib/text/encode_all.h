// Many texts at once, by several threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/text/bpe_tokenizer.h"

namespace precis {

/// The ids of each text. num_threads: at least 1, the caller's included; no more than the texts are
/// work for are started.
std::vector<std::vector<int32_t>> encode_all(const BpeTokenizer& tokenizer,
                                             std::span<const std::string> texts, int num_threads);

}  // namespace precis
