#include "lib/generate/kv_cache.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "lib/tensor/huge_pages.h"

namespace precis {

KvCache::KvCache(CacheShape shape, at::Device device, at::ScalarType type)
    : shape_(shape), device_(device), type_(type), layers_(static_cast<size_t>(shape.layers)) {}

void KvCache::reserve(int64_t slots) {
  if (slots <= capacity_) return;
  const auto options = at::TensorOptions(device_).dtype(type_);
  for (at::Tensor& layer : layers_) {
    if (used_ == 0) layer.reset();  // never both in memory where nothing is to be kept
    const at::Tensor larger = at::empty({slots + kSpareSlots, shape_.width}, options);
    prefer_huge_pages(larger);
    if (used_ > 0) larger.narrow(0, 0, used_).copy_(layer.narrow(0, 0, used_));
    layer = larger;
  }
  capacity_ = slots;
}

CachePass KvCache::begin(std::span<const int32_t> lengths, int64_t max_new_tokens) {
  max_new_tokens_ = max_new_tokens;
  used_ = 0;
  slots_.clear();
  int32_t first = 0;
  for (const int32_t length : lengths) {
    slots_.emplace_back(static_cast<size_t>(length));
    std::iota(slots_.back().begin(), slots_.back().end(), first);
    first += length;
  }
  reserve(first + max_new_tokens * static_cast<int64_t>(lengths.size()));
  used_ = first;
  return {layers_, 0, {}};
}

void KvCache::select(std::span<const int64_t> rows) {
  std::vector<std::vector<int32_t>> chosen;
  for (const int64_t row : rows) chosen.push_back(slots_[static_cast<size_t>(row)]);
  slots_ = std::move(chosen);
}

CachePass KvCache::append(int64_t tokens) {
  const int64_t rows = num_rows(), first = used_;
  if (used_ + rows * tokens > capacity_)
    reserve(std::max(used_ + rows * std::max(tokens, max_new_tokens_), capacity_ + capacity_ / 2));
  lengths_.clear();
  int64_t stride = 0;
  for (std::vector<int32_t>& slots : slots_) {
    lengths_.push_back(static_cast<int32_t>(slots.size()) + 1);
    for (int64_t i = 0; i < tokens; ++i) slots.push_back(static_cast<int32_t>(used_++));
    stride = std::max(stride, static_cast<int64_t>(slots.size()));
  }
  table_.assign(static_cast<size_t>(rows * stride), 0);
  for (size_t row = 0; row < slots_.size(); ++row)
    std::ranges::copy(slots_[row], table_.begin() + static_cast<int64_t>(row) * stride);
  return {layers_, first, {table_.data(), lengths_.data(), rows, stride, nullptr, nullptr}};
}

}  // namespace precis
