// ROUGE (C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", 2004), equal to
// Google's rouge_score 0.1.2: its tokenizer, stemmer, n-grams, longest common subsequences and
// bootstrap.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace precis {

struct RougeScore {
  double precision = 0;
  double recall = 0;
  double fmeasure = 0;
};

/// One score each; rougeLsum takes a text's lines for its sentences.
struct RougeScores {
  RougeScore rouge1;
  RougeScore rouge2;
  RougeScore rougeL;
  RougeScore rougeLsum;
};

/// Scores predictions against references, both in UTF-8. Holds no state: one scorer serves many
/// threads.
class RougeScorer {
 public:
  explicit RougeScorer(bool use_stemmer) : use_stemmer_(use_stemmer) {}

  RougeScores score(std::string_view reference, std::string_view prediction) const;
  /// Of each type the score with the best F measure, of equal ones the first. Zeros without
  /// references.
  RougeScores score_multi(std::span<const std::string> references,
                          std::string_view prediction) const;

 private:
  bool use_stemmer_;
};

/// The mean of each number; zeros when there are no scores.
RougeScores mean(std::span<const RougeScores> scores);

/// The 2.5th, 50th and 97.5th percentile of each number's mean.
struct RougeIntervals {
  RougeScores low;
  RougeScores mid;
  RougeScores high;
};

/// Confidence of the means by bootstrap: 1,000 resamples, as rouge_score's BootstrapAggregator, but
/// with random draws that follow from the seed. Zeros when there are no scores.
RougeIntervals bootstrap(std::span<const RougeScores> scores, uint64_t seed);

}  // namespace precis
