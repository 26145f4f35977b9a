// Summaries against references, and the files that say how good they are.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "lib/data/dataset.h"
#include "lib/metrics/rouge.h"

namespace precis {

/// ROUGE of each example and on average, with the stemmer, as the contest scores.
struct SummaryScores {
  std::vector<RougeScores> each;
  RougeScores mean;
};
SummaryScores score_summaries(std::span<const Example> examples,
                              std::span<const std::string> predictions);

/// How many of the summaries are empty texts, which readers of CSV take for missing values.
int64_t count_empty(std::span<const std::string> summaries);

/// For a warning, "3 of 40 summaries are empty ..." and what to do; empty if none is.
std::string empty_summaries_warning(std::span<const std::string> summaries);

/// What a model must beat: ROUGE-1 F of summaries that need no model.
struct Baselines {
  double constant =
      0;  ///< the best single training summary for all dialogues (of a sample of them)
  double first_utterance = 0;
  double longest_utterance = 0;
};
Baselines score_baselines(std::span<const Example> train, std::span<const Example> validation);

/// {"precision", "recall", "fmeasure"} of each type, with 95 % bootstrap intervals of the F measure
/// under "confidence".
nlohmann::ordered_json rouge_json(const SummaryScores& scores);

/// evaluation.csv: id,reference,prediction,rouge1,rouge2,rougeL.
std::string evaluation_csv(std::span<const Example> examples,
                           std::span<const std::string> predictions, const SummaryScores& scores);
/// submission.csv: id,summary; a row an example, in their order.
std::string submission_csv(std::span<const Example> examples,
                           std::span<const std::string> summaries);

}  // namespace precis
