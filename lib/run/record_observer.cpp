#include "lib/run/record_observer.h"

#include <fmt/format.h>

#include "lib/base/digest_text.h"

namespace precis {

RecordObserver::RecordObserver(const TrainingParts& parts)
    : parts_(parts),
      peak_(peak_rate(parts.context.setup)),
      cost_(parts.state.shape->cost(parts.context.setup.element_size())) {}

void RecordObserver::stepped(const Iteration& done) {
  const RunContext& context = parts_.context;
  const StepResult& result = done.result;
  ++iterations_;
  seconds_ += done.seconds;
  samples_ += static_cast<double>(done.counts.samples);
  tokens_ += static_cast<double>(done.counts.tokens);
  flops_ += training_operations(cost_, done.counts);
  if (done.number % context.config.report.log_interval != 0 &&
      done.number + 1 != context.config.train.max_iters)
    return;
  const double rate = peak_.flops * context.world.size();
  Record record{
      {"kind", "train"},
      {"iter", done.number},
      {"max_iters", context.config.train.max_iters},
      {"loss", result.loss},
      {"lr", done.learning_rate},
      {"grad_norm", result.grad_norm},
      {"samples", done.counts.samples},
      {"tokens", done.counts.tokens},
      {"target_tokens", done.counts.target_tokens},
      {"samples_per_s", samples_ / seconds_},
      {"tokens_per_s", tokens_ / seconds_},
      {"step_ms", 1e3 * seconds_ / static_cast<double>(iterations_)},
      {"mfu", flops_ / seconds_ / rate},
      {"mfu_peak", context.world.size() > 1
                       ? fmt::format("{} x {}", context.world.size(), peak_.words)
                       : peak_.words},
      {"eta_seconds", seconds_ / static_cast<double>(iterations_) *
                          static_cast<double>(context.config.train.max_iters - done.number - 1)},
      {"micro_batch_tokens", parts_.state.progress.micro_batch_tokens},
      {"plan", digest_text(done.plan)}};
  if (result.loss_scale != 1) record["loss_scale"] = result.loss_scale;
  if (result.skipped) record["skipped"] = true;
  context.coordinator.record(record);
  seconds_ = samples_ = tokens_ = flops_ = 0;
  iterations_ = 0;
}

}  // namespace precis
