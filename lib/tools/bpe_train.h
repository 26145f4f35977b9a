// What `bpe train` does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "lib/text/bpe_tokenizer.h"

namespace precis {

/// Learns a vocabulary of `size` tokens, or of as many as the texts are good for, and writes it
/// into the folder `output`. Of a file that ends in .csv all cells are texts but those of its
/// column `id`, any other file is one text. Throws ConfigError where the folder cannot be made,
/// before it reads, and DataError for files that cannot be read.
BpeTokenizer train_vocabulary(std::span<const std::string> inputs,
                              const std::filesystem::path& output, int32_t size);

}  // namespace precis
