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
  std::span<float> row(int64_t i) const;

 private:
  at::Tensor rows_;
  at::Tensor pinned_;
};

/// Calls work(row) for each of num_rows rows, on all threads.
void for_rows(int64_t num_rows, const std::function<void(int64_t)>& work);

/// The token with the largest logit in each row.
std::vector<int32_t> argmax_rows(const at::Tensor& logits);

/// The k best of each row, best first, found on the logits' device; log-probabilities if so asked,
/// else logits.
std::vector<std::vector<Candidate>> top_rows(const at::Tensor& logits, int64_t k,
                                             bool log_probabilities);

}  // namespace precis
