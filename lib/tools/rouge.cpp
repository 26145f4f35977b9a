#include "lib/tools/rouge.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "lib/base/files.h"
#include "lib/base/output_target.h"
#include "lib/base/share_blocks.h"
#include "lib/formats/csv.h"
#include "lib/metrics/rouge.h"

namespace precis {
namespace {

constexpr uint64_t kBootstrapSeed = 42;
constexpr size_t kBlock = 64;  // examples that a thread takes at a time

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

void write_per_example(const std::filesystem::path& path, const std::vector<RougeExample>& examples,
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

}  // namespace

std::string score_files(const RougeRequest& request, const Warn& warn) {
  if (!request.per_example.empty()) check_output_file(request.per_example, "--per-example");
  const CsvTable references = read_csv(request.references);
  const CsvTable predictions = read_csv(request.predictions);
  const std::vector<RougeExample> examples =
      join_by_id(references, predictions, request.allow_missing, warn);
  const RougeScorer scorer(request.stemmer);
  std::vector<RougeScores> scores(examples.size());
  share_blocks(examples.size(), kBlock, request.num_threads, [&](size_t first, size_t last) {
    for (size_t i = first; i < last; ++i)
      scores[i] = scorer.score_multi(examples[i].references, examples[i].prediction);
  });
  if (!request.per_example.empty()) write_per_example(request.per_example, examples, scores);
  return summary_json(scores, request.confidence);
}

}  // namespace precis
