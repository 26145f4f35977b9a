#include "lib/model/ragged_batch.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "lib/base/random.h"

namespace precis {

RaggedBatch make_ragged_batch(std::span<const RaggedSample> samples, bool with_targets) {
  RaggedBatch batch;
  batch.host_offsets.assign(1, 0);
  int64_t num_targets = 0;
  for (const RaggedSample& sample : samples) {
    const int64_t inputs = static_cast<int64_t>(sample.tokens.size()) - (with_targets ? 1 : 0);
    batch.host_offsets.push_back(batch.host_offsets.back() + static_cast<int32_t>(inputs));
    batch.max_length = std::max(batch.max_length, inputs);
    num_targets += with_targets ? inputs + 1 - sample.prompt_tokens : 1;
  }
  const int64_t n = batch.host_offsets.back();
  const auto size = static_cast<int64_t>(samples.size());
  batch.tokens = at::empty({n}, at::kLong);
  batch.positions = at::empty({n}, at::kLong);
  batch.row_keys = at::empty({n}, at::kLong);
  batch.offsets = at::empty({size + 1}, at::kInt);
  batch.target_rows = at::empty({num_targets}, at::kLong);
  batch.targets = at::empty({num_targets}, at::kLong);
  batch.sample_keys = at::empty({size}, at::kLong);
  std::copy(batch.host_offsets.begin(), batch.host_offsets.end(),
            batch.offsets.data_ptr<int32_t>());
  auto* tokens = batch.tokens.data_ptr<int64_t>();
  auto* positions = batch.positions.data_ptr<int64_t>();
  auto* row_keys = batch.row_keys.data_ptr<int64_t>();
  auto* rows = batch.target_rows.data_ptr<int64_t>();
  auto* targets = batch.targets.data_ptr<int64_t>();
  for (size_t b = 0; b < samples.size(); ++b) {
    const RaggedSample& sample = samples[b];
    const int64_t begin = batch.host_offsets[b];
    const int64_t length = batch.host_offsets[b + 1] - begin;
    batch.sample_keys.data_ptr<int64_t>()[b] = static_cast<int64_t>(sample.key);
    batch.dropout_key = mix_key({batch.dropout_key, sample.key});
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
  for (at::Tensor* tensor : {&moved.tokens, &moved.positions, &moved.row_keys, &moved.offsets,
                             &moved.target_rows, &moved.targets, &moved.sample_keys})
    *tensor = tensor->pin_memory().to(device, /*non_blocking=*/true);
  return moved;
}

}  // namespace precis
