#include "lib/generate/inference_model.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "lib/model/ragged_batch.h"
#include "lib/ops/route.h"
#include "lib/tensor/memory_shortage.h"

namespace precis {

at::Tensor InferenceModel::prefill(std::span<const std::vector<int32_t>> prompts,
                                   int64_t max_new_tokens, KvCache& cache) const {
  std::vector<RaggedSample> samples;
  std::vector<int32_t> lengths;
  for (const auto& prompt : prompts) {
    samples.push_back({prompt, static_cast<int64_t>(prompt.size()), 0});
    lengths.push_back(static_cast<int32_t>(prompt.size()));
  }
  const RaggedBatch batch = make_ragged_batch(samples, /*with_targets=*/false).to(model_->device());
  const CachePass pass = cache.begin(lengths, max_new_tokens);
  return model_->logits(batch, weights_, &pass);
}

at::Tensor InferenceModel::step(std::span<const int32_t> tokens, KvCache& cache) const {
  const auto rows = static_cast<int64_t>(tokens.size());
  const at::Tensor next = at::empty({2, rows}, at::kLong);
  auto* values = next.mutable_data_ptr<int64_t>();
  std::ranges::copy(tokens, values);
  for (int64_t row = 0; row < rows; ++row) values[rows + row] = cache.length(row);
  const CachePass pass = cache.append();
  return model_->next_logits({next.select(0, 0), next.select(0, 1)}, weights_, pass);
}

CachedDecoder::CachedDecoder(const InferenceModel& model)
    : model_(model.form() == WeightForm::kDense ? model : model.packed()),
      cache_(model_.make_cache()) {
  const at::Tensor& any = model.weights().compute.front();
  if (any.is_cpu()) return;
  // ATen's operators one by one are no thing to record: some of them wait for the device.
  const bool trusted = ops::route_of(any) == ops::Route::kDevice;
  steps_.emplace(
      model_.recorded_steps(trusted ? device_graphs_in_shared_memory() : MakeDeviceGraph()));
}

CachedDecoder::CachedDecoder(const InferenceModel& model, MakeDeviceGraph make)
    : model_(model), cache_(model_.make_cache()) {
  steps_.emplace(model_.recorded_steps(std::move(make)));
}

/// One row is read for at the same rate either way: a copy would cost time. Where there is no
/// memory for one, decoding goes on without.
void CachedDecoder::pack_for(size_t rows) {
  constexpr size_t kWorthPacking = 4;
  if (steps_ || !may_pack_ || !model_.weights().packed.empty() || rows < kWorthPacking) return;
  may_pack_ = !lacks_memory([&] { model_ = model_.packed(); });
}

at::Tensor CachedDecoder::start(std::span<const std::vector<int32_t>> prompts,
                                int64_t max_new_tokens) {
  pack_for(prompts.size());
  return model_.prefill(prompts, max_new_tokens, cache_);
}

at::Tensor CachedDecoder::step(std::span<const int32_t> tokens) {
  if (steps_) return steps_->logits(tokens, cache_);
  pack_for(tokens.size());
  return model_.step(tokens, cache_);
}

}  // namespace precis
