#include "lib/generate/kv_cache.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace precis {

KvCache::KvCache(CacheShape shape, at::Device device, at::ScalarType type)
    : shape_(shape), device_(device), type_(type), layers_(static_cast<size_t>(shape.layers)) {}

void KvCache::reserve(int64_t slots) {
  if (slots <= capacity_) return;
  const auto options = at::TensorOptions(device_).dtype(type_);
  for (at::Tensor& layer : layers_) {
    const at::Tensor larger = at::empty({slots, shape_.width}, options);
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

CachePass KvCache::append() {
  const int64_t rows = num_rows(), first = used_;
  if (used_ + rows > capacity_)
    reserve(std::max(used_ + rows * max_new_tokens_, capacity_ + capacity_ / 2));
  lengths_.clear();
  for (std::vector<int32_t>& slots : slots_) {
    slots.push_back(static_cast<int32_t>(used_++));
    lengths_.push_back(static_cast<int32_t>(slots.size()));
  }
  const int64_t longest = *std::ranges::max_element(lengths_);
  table_.assign(static_cast<size_t>(rows * longest), 0);
  for (size_t row = 0; row < slots_.size(); ++row)
    std::ranges::copy(slots_[row], table_.begin() + static_cast<int64_t>(row) * longest);
  return {layers_, first, rows_for_kernels(longest)};
}

CachedRows KvCache::rows_for_kernels(int64_t longest) {
  CachedRows where{table_.data(), lengths_.data(), num_rows(), longest, nullptr, nullptr};
  if (device_.is_cpu()) return where;
  const at::Tensor both =
      at::empty({static_cast<int64_t>(lengths_.size() + table_.size())}, at::kInt);
  std::ranges::copy(table_, std::ranges::copy(lengths_, both.data_ptr<int32_t>()).out);
  on_device_ = both.to(device_);
  where.device_lengths = on_device_.const_data_ptr<int32_t>();
  where.device_table = where.device_lengths + lengths_.size();
  return where;
}

}  // namespace precis
