// What the program rouge does.
#pragma once

#include <filesystem>
#include <string>

#include "lib/tools/rouge_examples.h"

namespace precis {

/// What is to be scored, and how.
struct RougeRequest {
  std::filesystem::path references;   ///< CSV of id,summary
  std::filesystem::path predictions;  ///< the same
  std::filesystem::path per_example;  ///< where each id's F measures go; empty: nowhere
  bool stemmer = true;
  bool allow_missing = false;  ///< ids on one side only are passed over with a warning
  bool confidence = false;     ///< add low and high of the means
  int num_threads = 1;         ///< that score
};

/// Scores the predictions and returns the mean scores as one JSON object. Throws ConfigError where
/// per_example cannot be written and DataError for files that cannot be scored.
std::string score_files(const RougeRequest& request, const Warn& warn);

}  // namespace precis
