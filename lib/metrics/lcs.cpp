// In the table t[i][j] of rouge_score (i tokens of the reference, j of the candidate), going down a
// column adds 0 or 1. A word holds 64 such steps of one column, inverted; a strip is the part of
// the table that is 64 reference tokens high.
#include "lib/metrics/lcs.h"

#include <algorithm>
#include <bit>

namespace precis {
namespace {

constexpr size_t kStrip = 64;

uint64_t low_bits(size_t count) {
  return count == kStrip ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

}  // namespace

/// Goes over the candidate with one strip of the reference. after_token(j, column) sees the column
/// behind candidate token j and may start a new table by changing it.
template <typename AfterToken>
void LcsTable::run_strip(std::span<const uint32_t> strip, std::span<const uint32_t> candidate,
                         AfterToken after_token) {
  for (size_t i = 0; i < strip.size(); ++i) matches_[strip[i]] |= uint64_t{1} << i;
  uint64_t column = ~uint64_t{0};
  for (size_t j = 0; j < candidate.size(); ++j) {
    const uint64_t match = column & matches_[candidate[j]];
    const uint64_t half = column + match;
    const uint64_t sum = half + carries_[j];
    carries_[j] = static_cast<uint8_t>((half < column) | (sum < half));
    column = sum | (column - match);
    after_token(j, column);
  }
  for (const uint32_t id : strip) matches_[id] = 0;
}

size_t LcsTable::length(std::span<const uint32_t> reference, std::span<const uint32_t> candidate) {
  carries_.assign(candidate.size(), 0);
  size_t total = 0;
  for (size_t begin = 0; begin < reference.size(); begin += kStrip) {
    const auto strip = reference.subspan(begin, std::min(kStrip, reference.size() - begin));
    uint64_t last = ~uint64_t{0};
    run_strip(strip, candidate, [&](size_t, uint64_t column) { last = column; });
    total += static_cast<size_t>(std::popcount(~last & low_bits(strip.size())));
  }
  return total;
}

const std::vector<bool>& LcsTable::union_with(std::span<const uint32_t> reference,
                                              const TokenizedText& candidate) {
  const size_t num_strips = (reference.size() + kStrip - 1) / kStrip;
  const size_t n = candidate.tokens.size();
  carries_.assign(n, 0);
  columns_.resize(num_strips * n);
  in_union_.assign(reference.size(), false);
  for (size_t s = 0; s < num_strips; ++s) {
    const auto strip =
        reference.subspan(s * kStrip, std::min(kStrip, reference.size() - s * kStrip));
    size_t sentence = 0;
    run_strip(strip, candidate.tokens, [&](size_t j, uint64_t& column) {
      columns_[s * n + j] = column;
      if (j + 1 == candidate.sentence_ends[sentence]) {  // the next sentence has a table of its own
        column = ~uint64_t{0};
        ++sentence;
      }
    });
  }
  size_t begin = 0;
  for (const size_t end : candidate.sentence_ends) {
    backtrack(reference, candidate.tokens, begin, end);
    begin = end;
  }
  return in_union_;
}

/// Walks from the corner of one candidate sentence's table: a match is taken; else left where
/// t[i][j-1] > t[i-1][j], which holds where the last step down to t[i][j] adds 1; else up.
void LcsTable::backtrack(std::span<const uint32_t> reference, std::span<const uint32_t> candidate,
                         size_t begin, size_t end) {
  size_t i = reference.size();
  size_t j = end;
  while (i > 0 && j > begin) {
    const size_t row = i - 1;
    if (reference[row] == candidate[j - 1]) {
      in_union_[row] = true;
      --i;
      --j;
    } else if (((columns_[row / kStrip * candidate.size() + j - 1] >> (row % kStrip)) & 1) == 0) {
      --j;
    } else {
      --i;
    }
  }
}

}  // namespace precis
