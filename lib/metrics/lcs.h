// Longest common subsequences of token ids, 64 cells of the table at a time. H. Hyyrö,
// "Bit-parallel LCS-length computation revisited" (AWOCA 2004).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/metrics/tokens.h"

namespace precis {

/// Computes with ids below a fixed number; keeps its memory from call to call.
class LcsTable {
 public:
  explicit LcsTable(size_t num_ids) : matches_(num_ids) {}

  /// Length of the longest common subsequence.
  size_t length(std::span<const uint32_t> reference, std::span<const uint32_t> candidate);

  /// Which tokens of a reference sentence lie on a longest common subsequence with any sentence of
  /// the candidate: one flag a token. Of several longest ones it is the one that rouge_score's
  /// _backtrack_norec finds.
  const std::vector<bool>& union_with(std::span<const uint32_t> reference,
                                      const TokenizedText& candidate);

 private:
  template <typename AfterToken>
  void run_strip(std::span<const uint32_t> strip, std::span<const uint32_t> candidate,
                 AfterToken after_token);
  void backtrack(std::span<const uint32_t> reference, std::span<const uint32_t> candidate,
                 size_t begin, size_t end);

  std::vector<uint64_t> matches_;  ///< by token id: where it stands in the strip at hand
  std::vector<uint8_t> carries_;   ///< by candidate token: the carry from one strip to the next
  std::vector<uint64_t>
      columns_;  ///< strip by strip, by candidate token: 0 bits where the table grows downward
  std::vector<bool> in_union_;
};

}  // namespace precis
