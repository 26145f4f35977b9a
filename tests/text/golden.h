// What the tests of lib/text read from tests/golden (made by text_golden.py).
#pragma once

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/text/bpe_tokenizer.h"

namespace precis {

inline std::vector<nlohmann::json> golden_lines(const std::string& name) {
  std::vector<nlohmann::json> values;
  std::istringstream lines(read_file("tests/golden/" + name));
  for (std::string line; std::getline(lines, line);) values.push_back(nlohmann::json::parse(line));
  return values;
}

inline BpeTokenizer golden_tokenizer() {
  return BpeTokenizer::load("tests/golden/text_vocab");
}

/// The message of the DataError that `action` throws; "" if it throws none.
template <typename Action>
std::string data_error_of(const Action& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

}  // namespace precis
