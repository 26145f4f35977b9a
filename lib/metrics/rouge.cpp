// ROUGE over token ids: all counts are exact integers, and the last few operations are those of
// rouge_score in its order, so the results agree to the last bit.
#include "lib/metrics/rouge.h"

#include <algorithm>
#include <vector>

#include "lib/metrics/lcs.h"
#include "lib/metrics/ngrams.h"
#include "lib/metrics/tokens.h"

namespace precis {
namespace {

RougeScore score_of(size_t hits, size_t num_reference, size_t num_prediction) {
  RougeScore score;
  score.precision =
      static_cast<double>(hits) / static_cast<double>(std::max<size_t>(num_prediction, 1));
  score.recall =
      static_cast<double>(hits) / static_cast<double>(std::max<size_t>(num_reference, 1));
  const double sum = score.precision + score.recall;
  if (sum > 0) score.fmeasure = 2 * score.precision * score.recall / sum;
  return score;
}

std::vector<uint32_t> count_tokens(const TokenizedText& text, size_t num_ids) {
  std::vector<uint32_t> counts(num_ids);
  for (const uint32_t id : text.tokens) ++counts[id];
  return counts;
}

/// One prediction against one reference; the ids of both are below num_ids.
class PairScorer {
 public:
  PairScorer(const TokenizedText& reference, const TokenizedText& prediction, size_t num_ids)
      : reference_(reference), prediction_(prediction), num_ids_(num_ids), lcs_(num_ids) {}

  RougeScores scores() {
    const size_t m = reference_.tokens.size();
    const size_t n = prediction_.tokens.size();
    const size_t lcs_length = lcs_.length(reference_.tokens, prediction_.tokens);
    RougeScores scores;
    scores.rouge1 = score_of(unigram_hits(), m, n);
    scores.rouge2 = score_of(num_shared_bigrams(reference_.tokens, prediction_.tokens),
                             num_bigrams(m), num_bigrams(n));
    scores.rougeL = score_of(lcs_length, m, n);
    // Sentence against sentence, the union is the one subsequence, and no token of it can be
    // counted twice.
    const bool single =
        reference_.sentence_ends.size() == 1 && prediction_.sentence_ends.size() == 1;
    scores.rougeLsum = score_of(single ? lcs_length : union_hits(), m, n);
    return scores;
  }

 private:
  static size_t num_bigrams(size_t num_tokens) { return num_tokens > 0 ? num_tokens - 1 : 0; }

  size_t unigram_hits() const {
    std::vector<uint32_t> left = count_tokens(prediction_, num_ids_);
    size_t hits = 0;
    for (const uint32_t id : reference_.tokens) {
      if (left[id] > 0) {
        ++hits;
        --left[id];
      }
    }
    return hits;
  }

  /// Tokens in the union of subsequences, each counted no more often than it occurs on either side.
  size_t union_hits() {
    std::vector<uint32_t> reference_left = count_tokens(reference_, num_ids_);
    std::vector<uint32_t> prediction_left = count_tokens(prediction_, num_ids_);
    size_t hits = 0;
    size_t begin = 0;
    for (const size_t end : reference_.sentence_ends) {
      const auto sentence = std::span(reference_.tokens).subspan(begin, end - begin);
      const std::vector<bool>& in_union = lcs_.union_with(sentence, prediction_);
      for (size_t i = 0; i < sentence.size(); ++i) {
        const uint32_t id = sentence[i];
        if (!in_union[i] || prediction_left[id] == 0 || reference_left[id] == 0) continue;
        ++hits;
        --prediction_left[id];
        --reference_left[id];
      }
      begin = end;
    }
    return hits;
  }

  const TokenizedText& reference_;
  const TokenizedText& prediction_;
  size_t num_ids_;
  LcsTable lcs_;
};

void keep_better(RougeScore& best, const RougeScore& other) {
  if (other.fmeasure > best.fmeasure) best = other;
}

}  // namespace

RougeScores RougeScorer::score(std::string_view reference, std::string_view prediction) const {
  TokenTable table(use_stemmer_);
  const TokenizedText prediction_tokens = table.tokenize(prediction);
  const TokenizedText reference_tokens = table.tokenize(reference);
  return PairScorer(reference_tokens, prediction_tokens, table.size()).scores();
}

RougeScores RougeScorer::score_multi(std::span<const std::string> references,
                                     std::string_view prediction) const {
  if (references.size() == 1) return score(references.front(), prediction);
  TokenTable table(use_stemmer_);
  const TokenizedText prediction_tokens = table.tokenize(prediction);
  RougeScores best;
  for (size_t i = 0; i < references.size(); ++i) {
    const TokenizedText reference_tokens = table.tokenize(references[i]);
    const RougeScores scores =
        PairScorer(reference_tokens, prediction_tokens, table.size()).scores();
    if (i == 0) best = scores;
    keep_better(best.rouge1, scores.rouge1);
    keep_better(best.rouge2, scores.rouge2);
    keep_better(best.rougeL, scores.rougeL);
    keep_better(best.rougeLsum, scores.rougeLsum);
  }
  return best;
}

}  // namespace precis
