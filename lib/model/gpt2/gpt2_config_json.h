// config.json of a Hugging Face GPT-2 folder. Reference: transformers' configuration_gpt2.py.
#pragma once

#include <string>

#include "lib/formats/value.h"
#include "lib/model/gpt2/gpt2_shape.h"

namespace precis {

/// The shape in a parsed config.json; what it does not say has GPT2Config's default. `file` begins
/// every error. Throws DataError for another architecture and for what this project's GPT-2 does
/// not compute (by key and value).
GptShape shape_of_config(const Value& config, const std::string& file);

/// The config.json of a shape; `end_id` is the id of <|endoftext|>.
Value config_of_shape(const GptShape& shape, int64_t end_id);

}  // namespace precis
