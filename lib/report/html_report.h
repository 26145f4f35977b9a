// report.html: a run on one page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lib/report/record.h"

namespace precis {

/// A dialogue with what a person and what the model made of it, and the F measures (0 to 1).
struct ReportSample {
  std::string id, dialogue, reference, prediction;
  double rouge1 = 0, rouge2 = 0, rougeL = 0;
};

/// What the page is made from. Any part may be empty; texts are plain (the page escapes them).
struct ReportInput {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;  ///< what was run: name, value
  std::vector<Record> records;                             ///< those of metrics.jsonl
  Record evaluation;                                       ///< evaluation.json, or null
  std::vector<ReportSample> samples;
  std::string config_yaml;
};

/// The page: one self-contained HTML file without scripts or network (its content security policy
/// has a browser refuse both), for light and dark screens, phones and paper. Its size does not grow
/// with the number of records beyond about 1 MB.
std::string html_report(const ReportInput& input);

}  // namespace precis
