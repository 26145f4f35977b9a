#include "lib/train/train_step.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/ops/sums.h"

namespace precis {

TrainStep::TrainStep(const Parts& parts, double grad_clip, double bucket_megabytes)
    : parts_(parts),
      grad_clip_(grad_clip),
      bucket_(std::max<int64_t>(1, std::llround(bucket_megabytes * 1024 * 1024 / sizeof(float)))) {}

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

StepResult TrainStep::run(std::span<const RaggedBatch> micro_batches, const StepInput& input) {
  const auto targets = static_cast<double>(input.counts.target_tokens);
  StepResult result;
  result.loss_scale = parts_.scaler.scale();
  parts_.parameters.gradient().zero_();
  sent_ = 0;
  TrainPass pass{input.dropout, result.loss_scale / targets, {}};
  at::Tensor loss = at::zeros({}, at::TensorOptions(parts_.model.device()).dtype(at::kDouble));
  for (size_t i = 0; i < micro_batches.size(); ++i) {
    if (i + 1 == micro_batches.size())
      pass.gradients_final = [this](int64_t count) { send(count); };
    loss.add_(parts_.model.train(micro_batches[i], parts_.parameters.weights(),
                                 parts_.parameters.gradients(), pass));
  }
  send_rest();
  parts_.collectives.wait();

  double shared[] = {loss.item<double>(), input.stop_requested ? 1.0 : 0.0};
  parts_.world.sum(shared);
  result.loss = shared[0] / targets;
  result.stop = shared[1] > 0;
  const double scaled_norm = ops::norm_of(parts_.parameters.gradient());
  result.grad_norm = scaled_norm / result.loss_scale;
  const bool finite = std::isfinite(scaled_norm) && std::isfinite(result.loss);
  result.skipped = !finite;
  parts_.scaler.update(finite);
  if (!finite) {
    if (result.loss_scale > 1) return result;
    throw SharedError(
        ExitCode::kOther,
        fmt::format(
            "the loss is {} and the norm of the gradient {}: training has diverged. The last "
            "checkpoint is whole; a "
            "smaller train.learning_rate, more train.warmup_iters or train.dtype=float32 may help",
            result.loss, result.grad_norm));
  }
  const double clip = grad_clip_ > 0 ? std::min(1.0, grad_clip_ / (result.grad_norm + 1e-6))
                                     : 1.0;  // torch's clip_grad_norm_
  parts_.optimizer.step(input.learning_rate, result.loss_scale / clip);
  parts_.parameters.refresh();
  return result;
}

}  // namespace precis
