// What the program convert does.
#pragma once

#include <filesystem>
#include <string>

namespace precis {

/// A checkpoint into a Hugging Face folder, or a folder into a checkpoint of step 0. Returns a line
/// that says what was made.
std::string convert_model(const std::string& from, const std::filesystem::path& to,
                          const std::filesystem::path& tokenizer_dir);

}  // namespace precis
