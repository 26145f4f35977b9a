// Logits where the processors can work on them, and the best of them where a device can find those
// itself.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lib/generate/row_kernels.h"

namespace precis {

/// Rows of logits in host memory. Those of a device are copied into a pinned buffer that is reused.
class HostLogits {
 public:
  /// logits: float32 [B, V]; on the CPU they are used, and overwritten, in place.
  void load(const at::Tensor& logits);
  int64_t num_rows() const { return rows_.size(0); }
  int64_t row_size() const { return rows_.size(1); }
  std::span<float> row(int64_t i) const;

 private:
  at::Tensor rows_;
  at::Tensor pinned_;
};

/// Calls work(row) for each row, on all threads where that is worth it.
void for_rows(const HostLogits& logits, const std::function<void(int64_t)>& work);

/// The token with the largest logit in each row.
std::vector<int32_t> argmax_rows(const at::Tensor& logits);

/// Found on the logits' device: the k best tokens of each row by log-probability, best first.
std::vector<std::vector<Candidate>> top_log_probabilities(const at::Tensor& logits, int64_t k);

/// A device gives the k best only: a few more show which others tie with the last of the k.
constexpr int64_t kPossibleTies = 16;

/// Found on the logits' device: what top-k leaves of each row, with ties (up to 16), in the order
/// of the tokens.
std::vector<std::vector<Candidate>> kept_by_top_k(const at::Tensor& logits, int64_t k);

}  // namespace precis
