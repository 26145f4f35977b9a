#include "lib/model/batch_shape.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "lib/ops/cross_entropy.h"

namespace precis {
namespace {

/// The least multiple of 1/parts of the power of two below, and of `least`, that is not below
/// count; both powers of two.
int64_t round_up(int64_t count, int64_t parts, int64_t least) {
  const auto power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(count)));
  const int64_t step = std::max(power / parts, least);
  return (count + step - 1) / step * step;
}

int64_t tokens_class(int64_t tokens) {
  constexpr int64_t kLeast = 64, kParts = 32, kStep = 8;
  return std::max(kLeast, round_up(tokens, kParts, kStep));
}

/// With an eighth to spare: batches often have about a power of two of samples, and then all have
/// the same class.
int64_t samples_class(int64_t samples) {
  return round_up(samples + std::max<int64_t>(1, samples / 8), 4, 1);
}

at::Tensor longer(const at::Tensor& array, const std::vector<int64_t>& by) {
  return by.empty() ? array : at::cat({array, at::tensor(by, at::kLong)});
}

}  // namespace

BatchShape shape_of(const RaggedBatch& batch) {
  return {batch.tokens.size(0), batch.segments.num_samples(), batch.targets.size(0),
          batch.segments.max_length};
}

BatchShape shape_class(const RaggedBatch& batch) {
  const int64_t longest = std::max<int64_t>(1, batch.segments.max_length);
  constexpr int64_t kLeastLength = 64, kTargetParts = 8, kTargetStep = 8;
  BatchShape shape;
  shape.max_length =
      std::max(kLeastLength, static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(longest))));
  shape.targets = round_up(std::max<int64_t>(1, batch.num_targets()), kTargetParts, kTargetStep);
  shape.samples = samples_class(batch.num_samples());
  for (;; shape.samples = samples_class(shape.samples)) {
    const int64_t added = shape.samples - batch.num_samples();
    shape.tokens = tokens_class(batch.num_tokens() + added);
    if (shape.tokens - batch.num_tokens() <= added * longest) return shape;
  }
}

RaggedBatch padded(const RaggedBatch& batch, const BatchShape& shape) {
  const BatchShape own = shape_of(batch);
  const int64_t rows = shape.tokens - own.tokens, samples = shape.samples - own.samples,
                targets = shape.targets - own.targets;
  TORCH_CHECK(batch.padding.samples == 0 && samples >= 0 && rows >= samples && targets >= 0 &&
                  rows <= samples * own.max_length && (targets == 0 || rows > 0),
              "a batch of ", own.tokens, " tokens cannot have the sizes of one of ", shape.tokens);
  RaggedBatch out = batch;
  out.memory = at::Tensor();
  out.padding = {rows, samples, targets};
  out.segments.max_length = shape.max_length;
  std::vector<int64_t> positions;
  std::vector<int32_t>& offsets = out.segments.host_offsets;
  for (int64_t i = 0; i < samples; ++i) {
    const int64_t length = rows * (i + 1) / samples - rows * i / samples;
    for (int64_t t = 0; t < length; ++t) positions.push_back(t);
    offsets.push_back(offsets.back() + static_cast<int32_t>(length));
  }
  const std::vector<int64_t> no_rows(static_cast<size_t>(rows), 0);
  out.tokens = longer(batch.tokens, no_rows);
  out.rows = {longer(batch.rows.keys, no_rows), longer(batch.rows.positions, positions)};
  out.segments.offsets = at::tensor(offsets, at::kInt);
  out.segments.keys =
      longer(batch.segments.keys, std::vector<int64_t>(static_cast<size_t>(samples), 0));
  const auto of_targets = [&](int64_t value) {
    return std::vector<int64_t>(static_cast<size_t>(targets), value);
  };
  out.target_rows = longer(batch.target_rows, of_targets(shape.tokens - 1));
  out.targets = longer(batch.targets, of_targets(ops::kNoTarget));
  return out;
}

}  // namespace precis
