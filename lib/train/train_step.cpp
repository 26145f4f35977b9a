#include "lib/train/train_step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/base/profile.h"
#include "lib/ops/measuring.h"
#include "lib/ops/sums.h"
#include "lib/tensor/memory_shortage.h"
#include "lib/train/tf32.h"

namespace precis {
namespace {

/// The one place in an iteration where the host waits for the device: both numbers in one copy.
std::pair<double, double> to_host(const at::Tensor& loss, const at::Tensor& norm) {
  const at::Tensor host = at::empty({2}, at::kDouble);
  host.copy_(at::stack({loss, norm}));
  const auto* values = host.const_data_ptr<double>();
  return {values[0], values[1]};
}

}  // namespace

TrainStep::TrainStep(const Parts& parts, GradientLimits limits, double bucket_megabytes,
                     const ProductSettings& products, Recording recording)
    : parts_(parts),
      passes_(parts.model, parts.parameters.weights(), parts.parameters.gradients(),
              std::move(recording)),
      limits_(limits),
      bucket_(std::max<int64_t>(1, std::llround(bucket_megabytes * 1024 * 1024 / sizeof(float)))),
      products_(products) {}

/// Begins the sums of whole buckets among the first final_count elements; the rest goes when it is
/// all there. The cuts depend on the parameter table alone, so they are the same on every rank.
void TrainStep::send(int64_t final_count) {
  const int64_t numel = parts_.parameters.table().trainable_numel();
  while (final_count - sent_ >= bucket_ || (final_count == numel && sent_ < numel)) {
    const int64_t count = std::min(bucket_, final_count - sent_);
    parts_.collectives.start_all_reduce(parts_.parameters.gradient().narrow(0, sent_, count));
    sent_ += count;
  }
}

/// What no backward of this rank has sent, as where it had no work.
void TrainStep::send_rest() {
  const ParameterTable& table = parts_.parameters.table();
  for (int64_t stage = 0; stage < table.num_stages(); ++stage) send(table.final_after(stage));
}

/// Forward and backward of all; only the last one's gradients are final, and the settings say who
/// is told so. The loss, on the device. `need` is up to date whenever memory runs out.
at::Tensor TrainStep::accumulate(std::span<const RaggedBatch> micro_batches,
                                 const Settings& settings, MemoryNeed& need) {
  const Tf32Scope tf32(products_.tf32);
  const ops::MeasuringGuard measuring(products_.measure);
  for (const RaggedBatch& batch : micro_batches)
    need.largest = std::max(need.largest, batch.num_tokens());
  {
    const ProfileScope scope(Part::kOptimizer);
    parts_.parameters.gradient().zero_();
  }
  passes_.begin(settings.scale);
  for (const RaggedBatch& batch : micro_batches) {
    need.alone = batch.num_samples() == 1 ? batch.num_tokens() : 0;
    const bool is_last = &batch == &micro_batches.back();
    passes_.run(batch, settings.dropout, is_last ? settings.gradients_final : nullptr);
  }
  need.alone = 0;
  return passes_.loss();
}

/// A rank without memory sends what it has all the same, since the others wait for it, and says so
/// afterwards: no rank is ever alone in a collective.
TrainStep::Computed TrainStep::compute(std::span<const RaggedBatch> micro_batches,
                                       const StepInput& input) {
  const Settings settings{input.dropout,
                          parts_.scaler.scale() / static_cast<double>(input.counts.target_tokens),
                          [this](int64_t count) { send(count); }};
  Computed computed;
  computed.out_of_memory = input.out_of_memory;
  sent_ = 0;
  at::Tensor loss;
  computed.out_of_memory |=
      lacks_memory([&] { loss = accumulate(micro_batches, settings, computed.need); });
  send_rest();
  parts_.collectives.wait();
  if (computed.out_of_memory) return computed;
  const ProfileScope scope(Part::kOptimizer);
  computed.out_of_memory = lacks_memory([&] {
    const auto [sum, norm] = to_host(loss, ops::norm_tensor(parts_.parameters.gradient()));
    computed.loss = sum;
    computed.scaled_norm = norm;
  });
  return computed;
}

StepResult TrainStep::run(std::span<const RaggedBatch> micro_batches, const StepInput& input) {
  const Computed mine = compute(micro_batches, input);
  // The root's norm counts: GPUs of two kinds may round it unlike, and then clip unlike.
  double shared[] = {mine.loss, parts_.world.is_root() ? mine.scaled_norm : 0,
                     input.stop_requested ? 1.0 : 0.0, mine.out_of_memory ? 1.0 : 0.0};
  parts_.world.sum(shared);
  if (shared[3] > 0) throw_out_of_memory(parts_.world, mine.need);
  StepResult result;
  result.loss_scale = parts_.scaler.scale();
  result.loss = shared[0] / static_cast<double>(input.counts.target_tokens);
  result.stop = shared[2] > 0;
  result.grad_norm = shared[1] / result.loss_scale;
  update(input, result, shared[1]);
  return result;
}

void TrainStep::try_out(std::span<const RaggedBatch> micro_batches, double dropout,
                        bool out_of_memory) {
  MemoryNeed need;
  out_of_memory |= lacks_memory([&] { accumulate(micro_batches, {dropout, 1, {}}, need); });
  double lacking[] = {out_of_memory ? 1.0 : 0.0};
  parts_.world.sum(lacking);
  if (lacking[0] > 0) throw_out_of_memory(parts_.world, need);
}

/// The same on all ranks: they have the same numbers.
LossScaler::Outcome TrainStep::judge(const StepResult& result, double scaled_norm) const {
  if (!std::isfinite(scaled_norm) || !std::isfinite(result.loss))
    return LossScaler::Outcome::kNotFinite;
  return limits_.skip_above > 0 && result.grad_norm > limits_.skip_above
             ? LossScaler::Outcome::kOutlier
             : LossScaler::Outcome::kTaken;
}

/// Clips and steps, or skips the step.
void TrainStep::update(const StepInput& input, StepResult& result, double scaled_norm) {
  const ProfileScope scope(Part::kOptimizer);
  result.outcome = judge(result, scaled_norm);
  parts_.scaler.update(result.outcome);
  result.skipped_steps = parts_.scaler.skipped_steps();
  if (result.outcome == LossScaler::Outcome::kNotFinite && result.loss_scale == 1)
    result.first_not_finite = first_not_finite();
  if (result.skipped()) return;
  const double clip = limits_.clip > 0 ? std::min(1.0, limits_.clip / (result.grad_norm + 1e-6))
                                       : 1.0;  // torch's clip_grad_norm_
  parts_.optimizer.step(input.learning_rate, result.loss_scale / clip);
  parts_.parameters.refresh();
}

std::string TrainStep::first_not_finite() const {
  const at::Tensor gradient = parts_.parameters.gradient();
  for (const ParameterSlot& slot : parts_.parameters.table().slots())
    if (slot.trainable &&
        !std::isfinite(
            ops::norm_tensor(gradient.narrow(0, slot.gradient_offset, slot.numel)).item<double>()))
      return slot.name;
  return "";
}

}  // namespace precis
