// A small model and made-up samples for tests.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "lib/base/random.h"
#include "lib/model/gpt2/gpt2_model.h"
#include "lib/model/gpt2/gpt2_shape.h"
#include "lib/model/ragged_batch.h"
#include "lib/model/weights.h"

namespace precis::testing {

inline Gpt2Shape small_shape() {
  Gpt2Shape shape;
  shape.n_layer = 3;
  shape.n_head = 2;
  shape.n_embd = 48;  // no multiple of a dropout group
  shape.block_size = 160;
  shape.vocab_size = 97;
  return shape;
}

/// What a shape that was read is, in a test that knows that it is one.
inline const Gpt2Shape& gpt2(const AnyShape& shape) {
  return dynamic_cast<const Gpt2Shape&>(*shape);
}
inline Gpt2Shape& gpt2(AnyShape& shape) {
  return dynamic_cast<Gpt2Shape&>(*shape);
}

/// Weights far from their initial state, biases and norms too, so that none of them can be
/// forgotten.
inline at::Tensor busy_parameters(const ParameterTable& table, uint64_t seed = 3) {
  at::Tensor flat = at::empty({table.numel()}, at::kFloat);
  RandomStream random(seed);
  for (const ParameterSlot& slot : table.slots())
    for (int64_t i = 0; i < slot.numel; ++i) {
      const bool norm = slot.name.find("ln_") != std::string::npos && slot.name.ends_with("weight");
      flat.data_ptr<float>()[slot.offset + i] =
          static_cast<float>((norm ? 1.0 : 0.0) + 0.15 * random.normal());
    }
  return flat;
}

/// A sample and where its targets begin.
struct MadeUpSample {
  std::vector<int32_t> tokens;
  int64_t prompt_tokens;
  uint64_t key;
};

/// Of very different lengths and numbers of targets.
inline std::vector<MadeUpSample> made_up_samples(const ModelShape& shape) {
  RandomStream random(5);
  std::vector<MadeUpSample> samples;
  for (auto [length, targets] : {std::pair{70, 3}, std::pair{9, 8}, std::pair{140, 60},
                                 std::pair{2, 1}, std::pair{65, 20}}) {
    MadeUpSample sample{{}, length - targets, 100 + samples.size()};
    for (int i = 0; i < length; ++i)
      sample.tokens.push_back(
          static_cast<int32_t>(random.below(static_cast<uint64_t>(shape.vocab_size))));
    samples.push_back(std::move(sample));
  }
  return samples;
}

inline RaggedBatch batch_of(std::span<const MadeUpSample> samples, bool with_targets = true) {
  std::vector<RaggedSample> rows;
  for (const MadeUpSample& s : samples) rows.push_back({s.tokens, s.prompt_tokens, s.key});
  return make_ragged_batch(rows, with_targets);
}

/// Loss sum and flat gradient of some batches, one after another.
struct LossAndGradient {
  double loss = 0;
  at::Tensor gradient;
};
inline LossAndGradient run_batches(const ModelShape& shape, const Weights& weights,
                                   const std::vector<RaggedBatch>& batches, double dropout,
                                   double scale) {
  const ParameterTable table = shape.parameters();
  LossAndGradient result{0, at::zeros({table.trainable_numel()}, at::kFloat)};
  const auto model = shape.make_model(table, at::kCPU);
  for (const RaggedBatch& batch : batches)
    result.loss +=
        model->train(batch, weights, table.gradient_views(result.gradient), {dropout, scale, {}})
            .item<double>();
  return result;
}

inline double relative_distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

}  // namespace precis::testing
