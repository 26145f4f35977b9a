// rouge: scores a CSV of predictions against a CSV of references, joined by id.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/output_target.h"
#include "lib/base/words.h"
#include "lib/config/command_line.h"
#include "lib/config/main.h"
#include "lib/formats/csv.h"
#include "lib/metrics/rouge.h"

namespace precis {
namespace {

constexpr uint64_t kBootstrapSeed = 42;

ProgramDescription describe_program() {
  ProgramDescription program;
  program.name = "rouge";
  program.usage = "--references FILE --predictions FILE [options]";
  program.summary =
      "Scores summaries with ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum and prints one JSON object. "
      "Both files are CSV with the columns id and summary. Several reference rows of one id are "
      "several references: the one with the best F measure counts, for each type on its own.";
  program.options = {
      {.name = "references",
       .takes_value = true,
       .help = "CSV of id,summary: what is right",
       .value_name = "FILE"},
      {.name = "predictions",
       .takes_value = true,
       .help = "CSV of id,summary: what is scored",
       .value_name = "FILE"},
      {.name = "per-example",
       .takes_value = true,
       .help = "write each id's F measures as CSV",
       .value_name = "FILE"},
      {.name = "no-stemmer", .help = "compare whole words, not their Porter stems"},
      {.name = "allow-missing",
       .help = "score the ids that both files have; without it, ids on one side only are an error"},
      {.name = "confidence",
       .help = "add low and high, the means' 95 % confidence by bootstrap (1,000 resamples) as "
               "rouge_score computes it"},
  };
  return program;
}

/// The value of an option that names a file; empty where it is not given.
std::string file_option(const CommandLine& line, const std::string& name, bool required) {
  const std::vector<std::string> values = line.values(name);
  if (values.size() > 1)
    throw ConfigError(fmt::format("--{} is given {} times; give one file", name, values.size()));
  if (values.empty() && !required) return "";
  if (values.empty() || values[0].empty())
    throw ConfigError(fmt::format("--{} FILE is missing; see rouge --help", name));
  return values[0];
}

/// What is scored together. The views live as long as the tables they come from.
struct Example {
  std::string_view id;
  std::string_view prediction;
  std::vector<std::string> references;
};

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
void report_one_sided(const std::vector<OneSided>& sides, size_t num_common, bool allow_missing) {
  std::string text;
  for (const OneSided& side : sides) {
    if (side.count > 0) text += (text.empty() ? "" : "; ") + side.text();
  }
  if (num_common == 0) throw DataError("the files have no id in common: " + text);
  if (text.empty()) return;
  if (!allow_missing)
    throw DataError(text + "; give --allow-missing to score the ids that both files have");
  fmt::print(stderr, "rouge: warning: {}\n", text);
}

/// Joins the files by id, in the order of the predictions.
std::vector<Example> join(const CsvTable& references, const CsvTable& predictions,
                          bool allow_missing) {
  const size_t reference_id = references.column("id");
  const size_t reference_text = references.column("summary");
  const size_t prediction_id = predictions.column("id");
  const size_t prediction_text = predictions.column("summary");
  references.require_rows();
  predictions.require_rows();
  std::vector<Example> examples;
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
  for (const Example& example : examples) {
    if (example.references.empty()) only_predictions.add(example.id);
  }
  std::erase_if(examples, [](const Example& example) { return example.references.empty(); });
  report_one_sided({only_references, only_predictions}, examples.size(), allow_missing);
  return examples;
}

nlohmann::ordered_json to_json(const RougeScore& score) {
  return {{"precision", score.precision}, {"recall", score.recall}, {"fmeasure", score.fmeasure}};
}

struct Type {
  const char* name;
  RougeScore RougeScores::*score;
};
constexpr Type kTypes[] = {{"rouge1", &RougeScores::rouge1},
                           {"rouge2", &RougeScores::rouge2},
                           {"rougeL", &RougeScores::rougeL},
                           {"rougeLsum", &RougeScores::rougeLsum}};

std::string summary_json(const std::vector<RougeScores>& scores, bool confidence) {
  const RougeScores means = mean(scores);
  const RougeIntervals intervals =
      confidence ? bootstrap(scores, kBootstrapSeed) : RougeIntervals{};
  nlohmann::ordered_json json = {{"num_examples", scores.size()}};
  for (const Type& type : kTypes) {
    auto& entry = json[type.name] = to_json(means.*type.score);
    if (!confidence) continue;
    entry["low"] = to_json(intervals.low.*type.score);
    entry["high"] = to_json(intervals.high.*type.score);
  }
  return json.dump(2);
}

void write_per_example(const std::string& path, const std::vector<Example>& examples,
                       const std::vector<RougeScores>& scores) {
  std::vector<std::string> cells = {"id"};
  for (const Type& type : kTypes) cells.emplace_back(type.name);
  CsvWriter csv(cells);
  for (size_t i = 0; i < examples.size(); ++i) {
    cells.assign({std::string(examples[i].id)});
    for (const Type& type : kTypes)
      cells.push_back(fmt::format("{:.17g}", (scores[i].*type.score).fmeasure));
    csv.row(cells);
  }
  write_file(path, csv.text());
}

int run(int argc, char** argv) {
  const ProgramDescription program = describe_program();
  if (print_information(program, {}, argc, argv)) return 0;
  const CommandLine line(program, {}, argc, argv);
  const std::string references_file = file_option(line, "references", true);
  const std::string predictions_file = file_option(line, "predictions", true);
  const std::string per_example_file = file_option(line, "per-example", false);
  if (!per_example_file.empty()) check_output_file(per_example_file, "--per-example");
  const CsvTable references = read_csv(references_file);
  const CsvTable predictions = read_csv(predictions_file);
  const std::vector<Example> examples = join(references, predictions, line.has("allow-missing"));
  const RougeScorer scorer(!line.has("no-stemmer"));
  std::vector<RougeScores> scores;
  scores.reserve(examples.size());
  for (const Example& example : examples)
    scores.push_back(scorer.score_multi(example.references, example.prediction));
  if (!per_example_file.empty()) write_per_example(per_example_file, examples, scores);
  fmt::print("{}\n", summary_json(scores, line.has("confidence")));
  return 0;
}

}  // namespace
}  // namespace precis

int main(int argc, char** argv) {
  return precis::run_main("rouge", argc, argv, precis::run);
}
