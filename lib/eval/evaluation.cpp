#include "lib/eval/evaluation.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "lib/data/epoch_plan.h"
#include "lib/formats/csv.h"

namespace precis {
namespace {

nlohmann::ordered_json score_json(const RougeScore& s) {
  return {{"precision", s.precision}, {"recall", s.recall}, {"fmeasure", s.fmeasure}};
}

/// What is said on each line that is not blank, without "NAME: " before it.
std::vector<std::string_view> utterances(std::string_view dialogue) {
  std::vector<std::string_view> said;
  while (!dialogue.empty()) {
    const size_t end = std::min(dialogue.find('\n'), dialogue.size());
    std::string_view line = dialogue.substr(0, end);
    dialogue.remove_prefix(std::min(end + 1, dialogue.size()));
    if (const size_t colon = line.find(": "); colon != std::string_view::npos && colon < 40)
      line.remove_prefix(colon + 2);
    if (line.find_first_not_of(" \r\t") != std::string_view::npos) said.push_back(line);
  }
  return said;
}

double mean_rouge1(std::span<const Example> examples,
                   const std::function<std::string_view(const Example&)>& summary) {
  const RougeScorer scorer(true);
  double sum = 0;
  for (const Example& example : examples)
    sum += scorer.score(example.summary, summary(example)).rouge1.fmeasure;
  return examples.empty() ? 0 : sum / static_cast<double>(examples.size());
}

}  // namespace

SummaryScores score_summaries(std::span<const Example> examples,
                              std::span<const std::string> predictions) {
  const RougeScorer scorer(true);
  SummaryScores scores;
  scores.each.resize(examples.size());
  at::parallel_for(0, static_cast<int64_t>(examples.size()), 8, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const auto at = static_cast<size_t>(i);
      scores.each[at] = scorer.score(examples[at].summary, predictions[at]);
    }
  });
  scores.mean = mean(scores.each);
  return scores;
}

int64_t count_empty(std::span<const std::string> summaries) {
  return std::ranges::count_if(summaries, [](const std::string& text) { return text.empty(); });
}

std::string empty_summaries_warning(std::span<const std::string> summaries) {
  const int64_t count = count_empty(summaries);
  if (count == 0) return "";
  const std::string which = summaries.size() == 1
                                ? "the summary is"
                                : fmt::format("{} of {} summaries {}", count, summaries.size(),
                                              count == 1 ? "is" : "are");
  return which +
         " empty: the model ended at once (readers of CSV take an empty text for a missing value); "
         "generation.min_new_tokens makes it go on";
}

Baselines score_baselines(std::span<const Example> train, std::span<const Example> validation) {
  constexpr int64_t kCandidates = 64,
                    kRows =
                        200;  // enough to find a good constant; more costs minutes on large data
  const std::span<const Example> rows =
      validation.first(std::min<size_t>(validation.size(), kRows));
  Baselines best;
  const std::vector<int64_t> order = shuffled(static_cast<int64_t>(train.size()), 0);
  for (int64_t i = 0; i < std::min<int64_t>(kCandidates, static_cast<int64_t>(order.size())); ++i) {
    const std::string& candidate =
        train[static_cast<size_t>(order[static_cast<size_t>(i)])].summary;
    best.constant =
        std::max(best.constant,
                 mean_rouge1(rows, [&](const Example&) { return std::string_view(candidate); }));
  }
  best.first_utterance = mean_rouge1(rows, [](const Example& example) {
    const auto said = utterances(example.dialogue);
    return said.empty() ? std::string_view() : said.front();
  });
  best.longest_utterance = mean_rouge1(rows, [](const Example& example) {
    const auto said = utterances(example.dialogue);
    const auto longest = std::ranges::max_element(said, {}, &std::string_view::size);
    return longest == said.end() ? std::string_view() : *longest;
  });
  return best;
}

nlohmann::ordered_json rouge_json(const SummaryScores& scores) {
  nlohmann::ordered_json json{{"rouge1", score_json(scores.mean.rouge1)},
                              {"rouge2", score_json(scores.mean.rouge2)},
                              {"rougeL", score_json(scores.mean.rougeL)},
                              {"rougeLsum", score_json(scores.mean.rougeLsum)}};
  const RougeIntervals intervals = bootstrap(scores.each, 0);
  const auto interval = [](const RougeScore& low, const RougeScore& high) {
    return nlohmann::ordered_json{low.fmeasure, high.fmeasure};
  };
  json["confidence"] = {{"rouge1", interval(intervals.low.rouge1, intervals.high.rouge1)},
                        {"rouge2", interval(intervals.low.rouge2, intervals.high.rouge2)},
                        {"rougeL", interval(intervals.low.rougeL, intervals.high.rougeL)},
                        {"rougeLsum", interval(intervals.low.rougeLsum, intervals.high.rougeLsum)}};
  return json;
}

std::string evaluation_csv(std::span<const Example> examples,
                           std::span<const std::string> predictions, const SummaryScores& scores) {
  const std::array<std::string, 6> header{"id",     "reference", "prediction",
                                          "rouge1", "rouge2",    "rougeL"};
  CsvWriter writer(header);
  for (size_t i = 0; i < examples.size(); ++i) {
    const RougeScores& s = scores.each[i];
    const auto number = [](double x) { return fmt::format("{:.6f}", x); };
    const std::array<std::string, 6> row{examples[i].id,
                                         examples[i].summary,
                                         predictions[i],
                                         number(s.rouge1.fmeasure),
                                         number(s.rouge2.fmeasure),
                                         number(s.rougeL.fmeasure)};
    writer.row(row);
  }
  return writer.text();
}

std::string submission_csv(std::span<const Example> examples,
                           std::span<const std::string> summaries) {
  const std::array<std::string, 2> header{"id", "summary"};
  CsvWriter writer(header);
  for (size_t i = 0; i < examples.size(); ++i) {
    const std::array<std::string, 2> row{examples[i].id, summaries[i]};
    writer.row(row);
  }
  return writer.text();
}

}  // namespace precis
