// What a Hugging Face folder says of decoding, and ours in its words. Reference: transformers 5,
// generation/configuration_utils.py and GenerationMixin._prepare_generation_config.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/formats/value.h"
#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/huggingface/folder.h"

namespace precis {

/// What a folder says of decoding.
struct FolderGeneration {
  GenerationConfig config;
  EndTokens end_tokens;               ///< empty: the vocabulary's <|endoftext|>
  std::vector<std::string> warnings;  ///< what it asks for and does not get, for people
};

/// generation_config.json, else the same keys of config.json. What is not said is as in
/// transformers (of sampling: temperature 1, top_k 50), but for the length of a text, which is
/// GenerationConfig's: transformers' 20 tokens would cut summaries. Without do_sample the
/// temperature is 0. Throws DataError naming file and key for a value that no text can be decoded
/// with.
FolderGeneration generation_of(const ImportedModel& folder);

/// Our settings by transformers' names.
Value generation_json(const GenerationConfig& config);

}  // namespace precis
