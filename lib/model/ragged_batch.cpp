#include "lib/model/ragged_batch.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace precis {

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
  RaggedBatch moved = *this;
  for (at::Tensor* tensor :
       {&moved.tokens, &moved.rows.keys, &moved.rows.positions, &moved.segments.offsets,
        &moved.segments.keys, &moved.target_rows, &moved.targets})
    *tensor = tensor->pin_memory().to(device, /*non_blocking=*/true);
  return moved;
}

}  // namespace precis
