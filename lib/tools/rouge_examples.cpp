#include "lib/tools/rouge_examples.h"

#include <fmt/format.h>

#include <unordered_map>

#include "lib/base/errors.h"
#include "lib/base/words.h"

namespace precis {
namespace {

/// Ids that one file has and the other has not: how many, and the first of them for a message.
struct OneSided {
  const CsvTable& where;
  size_t count = 0;
  std::string first = {};

  void add(std::string_view id) {
    constexpr size_t kMostNamed = 5;
    if (++count <= kMostNamed) first += (count > 1 ? ", " : "") + in_quotes(id);
    if (count == kMostNamed + 1) first += ", ...";
  }
  std::string text() const {
    return fmt::format("{} id{} only in {}: {}", count, count == 1 ? " is" : "s are", where.name,
                       first);
  }
};

/// Says which ids have no partner: as an error, or as a warning where that is allowed.
void report_one_sided(const std::vector<OneSided>& sides, size_t num_common, bool allow_missing,
                      const Warn& warn) {
  std::string text;
  for (const OneSided& side : sides) {
    if (side.count > 0) text += (text.empty() ? "" : "; ") + side.text();
  }
  if (num_common == 0) throw DataError("the files have no id in common: " + text);
  if (text.empty()) return;
  if (!allow_missing)
    throw DataError(text + "; give --allow-missing to score the ids that both files have");
  warn(text);
}

}  // namespace

std::vector<RougeExample> join_by_id(const CsvTable& references, const CsvTable& predictions,
                                     bool allow_missing, const Warn& warn) {
  const size_t reference_id = references.column("id");
  const size_t reference_text = references.column("summary");
  const size_t prediction_id = predictions.column("id");
  const size_t prediction_text = predictions.column("summary");
  references.require_rows();
  predictions.require_rows();
  std::vector<RougeExample> examples;
  examples.reserve(predictions.rows.size());
  std::unordered_map<std::string_view, size_t> places;  // by id: row of the predictions
  places.reserve(predictions.rows.size());
  for (size_t i = 0; i < predictions.rows.size(); ++i) {
    const auto& row = predictions.rows[i];
    examples.push_back({row[prediction_id], row[prediction_text], {}});
    const auto [first, is_new] = places.emplace(row[prediction_id], i);
    if (is_new) continue;
    throw DataError(fmt::format(
        "{}: the id {} was already in line {}; keep one prediction for each id",
        predictions.place(i), in_quotes(row[prediction_id]), predictions.lines[first->second]));
  }
  OneSided only_references{references};
  OneSided only_predictions{predictions};
  for (const auto& row : references.rows) {
    const auto found = places.find(row[reference_id]);
    if (found == places.end()) {
      only_references.add(row[reference_id]);
    } else {
      examples[found->second].references.push_back(row[reference_text]);
    }
  }
  for (const RougeExample& example : examples) {
    if (example.references.empty()) only_predictions.add(example.id);
  }
  std::erase_if(examples, [](const RougeExample& example) { return example.references.empty(); });
  report_one_sided({only_references, only_predictions}, examples.size(), allow_missing, warn);
  return examples;
}

}  // namespace precis
