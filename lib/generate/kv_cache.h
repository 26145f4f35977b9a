// What a model keeps of the tokens of texts that are being decoded.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "lib/model/language_model.h"

namespace precis {

/// Keys and values of all tokens lie in slots, one array a layer; a row of the batch is a list of
/// slots. So beams share what they have in common, and choosing rows copies lists of numbers, never
/// keys or values.
class KvCache {
 public:
  KvCache(CacheShape shape, at::Device device, at::ScalarType type);

  /// Begins anew with prompts of these lengths, with room for max_new_tokens more of each. Returns
  /// where a pass over the prompts puts what it keeps; valid until the next call, as all passes.
  CachePass begin(std::span<const int32_t> lengths, int64_t max_new_tokens);

  /// Row i goes on from what was row rows[i]; rows may repeat or be left out.
  void select(std::span<const int64_t> rows);

  /// Gives each row slots for so many more tokens, of which the pass is about the first.
  CachePass append(int64_t tokens = 1);
  /// A slot that is no token's, for a row that is there to fill up a batch; there are kSpareSlots.
  int32_t spare_slot(int64_t i) const { return static_cast<int32_t>(capacity_ + i); }
  static constexpr int64_t kSpareSlots = 8;

  int64_t num_rows() const { return static_cast<int64_t>(slots_.size()); }
  /// Tokens a row has.
  int64_t length(int64_t row) const {
    return static_cast<int64_t>(slots_[static_cast<size_t>(row)].size());
  }

 private:
  /// Makes room for this many slots, keeping what is there.
  void reserve(int64_t slots);

  CacheShape shape_;
  at::Device device_;
  at::ScalarType type_;
  int64_t max_new_tokens_ = 0, used_ = 0, capacity_ = 0;
  std::vector<at::Tensor> layers_;           // [capacity and the spare ones, width] each
  std::vector<std::vector<int32_t>> slots_;  // by row, in the order of its tokens
  std::vector<int32_t> table_, lengths_;     // the same as kernels take it
};

}  // namespace precis
