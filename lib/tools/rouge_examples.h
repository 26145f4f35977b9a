// Predictions and references of two CSV files, joined by id.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/formats/csv.h"

namespace precis {

/// What is scored together. The views live as long as the tables they come from.
struct RougeExample {
  std::string_view id;
  std::string_view prediction;
  std::vector<std::string> references;  ///< one or more
};

/// Where a warning goes, one sentence a call.
using Warn = std::function<void(const std::string&)>;

/// Joins tables with the columns id and summary, in the order of the predictions. Throws DataError
/// naming the file: a column that is missing, no rows, two predictions of one id, no id in both,
/// and ids on one side only, which are a warning instead with allow_missing.
std::vector<RougeExample> join_by_id(const CsvTable& references, const CsvTable& predictions,
                                     bool allow_missing, const Warn& warn);

}  // namespace precis
