// Passes over one row of scores [V], vectorised by hand: V is 50257 and each decoded token costs a
// few of them. The result for a row depends on that row alone, never on its place in a batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace precis {

/// A token and its score: a logit, a log-probability or a weight, as the context says.
struct Candidate {
  float score = 0;
  int32_t token = 0;
};

/// Higher score first; among equals the lower token, as torch.argmax.
inline bool better(const Candidate& a, const Candidate& b) {
  return a.score > b.score || (a.score == b.score && a.token < b.token);
}

float maximum(std::span<const float> row);

/// The first index of the largest value.
int32_t argmax(std::span<const float> row);

/// x - max - log(sum(exp(x - max))) in place, rounded in the order in which torch does it.
void log_softmax_in_place(std::span<float> row);

/// exp((x - largest) * scale) in place, scale > 0; returns the sum. largest: the row's maximum.
double exponentials_in_place(std::span<float> row, float largest, float scale);

/// The k best (of a shorter row or one with NaN: fewer), best first. best: result, its memory is
/// reused.
void top_candidates(std::span<const float> row, int64_t k, std::vector<Candidate>& best);

/// All that score at least threshold, in the order of their tokens.
void collect_at_least(std::span<const float> row, float threshold, std::vector<Candidate>& kept);

/// The first token at which the running sum of non-negative weights exceeds target; the last token
/// with a weight if rounding lets none exceed it; 0 where no token has one.
int32_t pick(std::span<const float> weights, double target);

}  // namespace precis
