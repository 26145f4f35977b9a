#include "lib/generate/gpt_decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace precis {

void GptDecoder::reserve(int64_t slots) {
  if (slots <= capacity_) return;
  const auto options = at::TensorOptions(model_.device()).dtype(weights_.type());
  cache_.resize(static_cast<size_t>(model_.shape().n_layer));
  for (at::Tensor& block : cache_) {
    const at::Tensor larger = at::empty({slots, 2 * model_.shape().n_embd}, options);
    if (used_ > 0) larger.narrow(0, 0, used_).copy_(block.narrow(0, 0, used_));
    block = larger;
  }
  capacity_ = slots;
}

at::Tensor GptDecoder::start(std::span<const std::vector<int32_t>> prompts,
                             int64_t max_new_tokens) {
  std::vector<RaggedSample> samples;
  for (const auto& prompt : prompts)
    samples.push_back({prompt, static_cast<int64_t>(prompt.size()), 0});
  const RaggedBatch batch = make_ragged_batch(samples, /*with_targets=*/false).to(model_.device());
  max_new_tokens_ = max_new_tokens;
  used_ = 0;
  reserve(batch.num_tokens() + max_new_tokens * static_cast<int64_t>(prompts.size()));
  slots_.clear();
  for (size_t b = 0; b < prompts.size(); ++b) {
    slots_.emplace_back(prompts[b].size());
    std::iota(slots_.back().begin(), slots_.back().end(), batch.host_offsets[b]);
  }
  const int64_t c = model_.shape().n_embd, n_head = model_.shape().n_head;
  const at::Tensor logits = model_.logits(
      batch, weights_, [&](int64_t block, const at::Tensor& qkv, const at::Tensor& y) {
        cache_[static_cast<size_t>(block)]
            .narrow(0, 0, batch.num_tokens())
            .copy_(qkv.narrow(1, c, 2 * c));
        ops::attention(batch, n_head, {}, qkv, y, /*want_state=*/false);
      });
  used_ = batch.num_tokens();
  return logits;
}

void GptDecoder::select(std::span<const int64_t> rows) {
  std::vector<std::vector<int32_t>> chosen;
  for (const int64_t row : rows) chosen.push_back(slots_[static_cast<size_t>(row)]);
  slots_ = std::move(chosen);
}

at::Tensor GptDecoder::step(std::span<const int32_t> tokens) {
  const auto rows = static_cast<int64_t>(tokens.size());
  if (used_ + rows > capacity_)
    reserve(std::max(used_ + rows * max_new_tokens_, capacity_ + capacity_ / 2));
  std::vector<RaggedSample> samples;
  for (const int32_t& token : tokens) samples.push_back({std::span(&token, 1), 1, 0});
  RaggedBatch batch = make_ragged_batch(samples, /*with_targets=*/false);
  std::vector<int32_t> lengths;
  int64_t longest = 0;
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<int32_t>& slots = slots_[static_cast<size_t>(row)];
    batch.positions.data_ptr<int64_t>()[row] = static_cast<int64_t>(slots.size());
    slots.push_back(static_cast<int32_t>(used_ + row));
    lengths.push_back(static_cast<int32_t>(slots.size()));
    longest = std::max(longest, static_cast<int64_t>(slots.size()));
  }
  std::vector<int32_t> table(static_cast<size_t>(rows * longest), 0);
  for (int64_t row = 0; row < rows; ++row)
    std::ranges::copy(slots_[static_cast<size_t>(row)], table.begin() + row * longest);
  batch = batch.to(model_.device());
  const int64_t c = model_.shape().n_embd;
  const ops::CacheTable where{table.data(), lengths.data(), rows, longest};
  const at::Tensor logits = model_.logits(
      batch, weights_, [&](int64_t block, const at::Tensor& qkv, const at::Tensor& y) {
        const at::Tensor& cache = cache_[static_cast<size_t>(block)];
        cache.narrow(0, used_, rows).copy_(qkv.narrow(1, c, 2 * c));
        ops::cached_attention(where, model_.shape().n_head, qkv, cache, y);
      });
  used_ += rows;
  return logits;
}

}  // namespace precis
