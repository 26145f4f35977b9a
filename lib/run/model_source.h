// Models wherever they lie: a checkpoint, a Hugging Face folder, a name in Hugging Face's cache.
#pragma once

#include <filesystem>
#include <string>

#include "lib/checkpoint/model_file.h"
#include "lib/text/bpe_tokenizer.h"

namespace precis {

/// Reads a Hugging Face GPT-2 folder: weights, settings of decoding and end tokens.
ModelFile read_model_folder(const std::filesystem::path& folder,
                            const ModelFamilies& families = known_families());

/// Either of them, told apart by what is there; also gpt2, gpt2-medium, gpt2-large and gpt2-xl.
ModelFile load_model(const std::string& name, const ModelFamilies& families = known_families());

/// The tokenizer that comes with a model: inside it, else the files beside it, else those in `dir`
/// (may be empty). Throws DataError.
BpeTokenizer tokenizer_of(const ModelFile& model, const std::filesystem::path& dir);

}  // namespace precis
