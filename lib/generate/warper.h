// A rule that narrows down what may be drawn, after temperature and top-k. Reference: transformers,
// generation/logits_process.py. Which rules there are stands in rules.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "lib/generate/row_kernels.h"

namespace precis {

/// The tokens of one row that may still be drawn. A weight is a probability times a number that all
/// tokens of the row have in common; the largest is 1.
struct DrawRow {
  std::vector<Candidate> kept;  ///< tokens in rising order, with their weights
  /// Weight of all tokens that the rules so far left, those included that are too light to be in
  /// kept.
  double total = 0;
  std::vector<Candidate> sorted;  ///< memory for rules, reused from draw to draw
};

inline double weight_of(std::span<const Candidate> candidates) {
  double sum = 0;
  for (const Candidate& candidate : candidates) sum += candidate.score;
  return sum;
}

/// Called from several threads at once, with a row each.
class Warper {
 public:
  virtual ~Warper() = default;
  /// Takes out of row.kept what may not be drawn. One token at least stays, if there is one.
  virtual void apply(DrawRow& row) const = 0;
  /// All tokens lighter than this are sure to be taken out where the rule is the first, whatever
  /// the weights of a row of num_tokens are that add up to total: so most of a vocabulary need not
  /// be looked at twice. At most 1.
  virtual float least_weight([[maybe_unused]] double total,
                             [[maybe_unused]] size_t num_tokens) const {
    return 0;
  }
};

using Warpers = std::vector<std::unique_ptr<Warper>>;

}  // namespace precis
