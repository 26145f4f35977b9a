// What `bpe train` does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lib/text/bpe_tokenizer.h"

namespace precis {

/// The texts of files: of one that ends in .csv all cells but those of its column `id`, any other
/// is one text. Throws DataError for files that cannot be read.
std::vector<std::string> read_texts(std::span<const std::string> inputs);

/// Learns a vocabulary of `size` tokens, or of as many as the texts of these files are good for,
/// and writes it into the folder `output`. Throws ConfigError where the folder cannot be made,
/// before it reads, and DataError as read_texts() does.
BpeTokenizer train_vocabulary(std::span<const std::string> inputs,
                              const std::filesystem::path& output, int32_t size);

}  // namespace precis
