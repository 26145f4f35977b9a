#include "lib/model/ragged_batch.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

namespace precis {

namespace {

/// In the order in which they lie in one piece of memory.
std::array<at::Tensor*, 7> arrays_of(RaggedBatch& batch) {
  return {&batch.tokens,        &batch.rows.positions, &batch.rows.keys, &batch.segments.offsets,
          &batch.segments.keys, &batch.target_rows,    &batch.targets};
}

/// Of eight bytes, as each array begins at a whole one.
int64_t words_of(const at::Tensor& array) {
  constexpr int64_t kWord = 8;
  return (static_cast<int64_t>(array.nbytes()) + kWord - 1) / kWord;
}

}  // namespace

RaggedBatch make_ragged_batch(std::span<const RaggedSample> samples, bool with_targets) {
  RaggedBatch batch;
  ops::Segments& segments = batch.segments;
  segments.host_offsets.assign(1, 0);
  int64_t num_targets = 0;
  for (const RaggedSample& sample : samples) {
    const int64_t inputs = static_cast<int64_t>(sample.tokens.size()) - (with_targets ? 1 : 0);
    segments.host_offsets.push_back(segments.host_offsets.back() + static_cast<int32_t>(inputs));
    segments.max_length = std::max(segments.max_length, inputs);
    num_targets += with_targets ? inputs + 1 - sample.prompt_tokens : 1;
  }
  const int64_t n = segments.host_offsets.back();
  const auto size = static_cast<int64_t>(samples.size());
  batch.tokens = at::empty({n}, at::kLong);
  batch.rows.positions = at::empty({n}, at::kLong);
  batch.rows.keys = at::empty({n}, at::kLong);
  segments.offsets = at::empty({size + 1}, at::kInt);
  batch.target_rows = at::empty({num_targets}, at::kLong);
  batch.targets = at::empty({num_targets}, at::kLong);
  segments.keys = at::empty({size}, at::kLong);
  std::copy(segments.host_offsets.begin(), segments.host_offsets.end(),
            segments.offsets.data_ptr<int32_t>());
  auto* tokens = batch.tokens.data_ptr<int64_t>();
  auto* positions = batch.rows.positions.data_ptr<int64_t>();
  auto* row_keys = batch.rows.keys.data_ptr<int64_t>();
  auto* rows = batch.target_rows.data_ptr<int64_t>();
  auto* targets = batch.targets.data_ptr<int64_t>();
  for (size_t b = 0; b < samples.size(); ++b) {
    const RaggedSample& sample = samples[b];
    const int64_t begin = segments.host_offsets[b];
    const int64_t length = segments.host_offsets[b + 1] - begin;
    segments.keys.data_ptr<int64_t>()[b] = static_cast<int64_t>(sample.key);
    for (int64_t t = 0; t < length; ++t) {
      tokens[begin + t] = sample.tokens[static_cast<size_t>(t)];
      positions[begin + t] = t;
      row_keys[begin + t] = static_cast<int64_t>(sample.key);
    }
    for (int64_t t = with_targets ? sample.prompt_tokens - 1 : length - 1; t < length; ++t) {
      *rows++ = begin + t;
      *targets++ = with_targets ? sample.tokens[static_cast<size_t>(t + 1)] : 0;
    }
  }
  return batch;
}

RaggedBatch RaggedBatch::to(const at::Device& device) const {
  if (device.is_cpu()) return *this;
  const RaggedBatch here = in_one_piece(/*pinned=*/true);
  return here.in_memory(here.memory.to(device, /*non_blocking=*/true));
}

RaggedBatch RaggedBatch::in_one_piece(bool pinned) const {
  RaggedBatch from = *this;
  int64_t words = 0;
  for (const at::Tensor* array : arrays_of(from)) words += words_of(*array);
  RaggedBatch copy =
      in_memory(at::empty({words}, at::TensorOptions(at::kLong).pinned_memory(pinned)));
  const auto to = arrays_of(copy);
  for (size_t i = 0; i < to.size(); ++i) to[i]->copy_(*arrays_of(from)[i]);
  return copy;
}

RaggedBatch RaggedBatch::in_memory(const at::Tensor& to) const {
  RaggedBatch there = *this;
  there.memory = to;
  int64_t begin = 0;
  for (at::Tensor* array : arrays_of(there)) {
    const int64_t words = words_of(*array), size = array->size(0);
    *array = to.narrow(0, begin, words).view(array->scalar_type()).narrow(0, 0, size);
    begin += words;
  }
  return there;
}

}  // namespace precis
