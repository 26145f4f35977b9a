#include "lib/run/record_observer.h"

#include <fmt/format.h>

#include "lib/base/digest_text.h"

namespace precis {

RecordObserver::RecordObserver(const TrainingParts& parts)
    : parts_(parts),
      peak_(make_peak_meter(parts.context.setup)),
      cost_(parts.state.shape->cost(parts.context.setup.element_size())) {}

/// float16 finds its loss scale by skipping, which is no cause for worry.
void RecordObserver::tell_skipped(const Iteration& done) const {
  Log& log = parts_.context.coordinator.log();
  if (done.result.loss_scale > 1 && done.result.outcome == LossScaler::Outcome::kNotFinite)
    log.info(
        fmt::format("iteration {} is skipped: a gradient does not fit into float16 with a loss "
                    "scale of {:g}, which is halved",
                    done.number, done.result.loss_scale));
  else
    log.warn(describe_skipped(done));
}

void RecordObserver::stepped(const Iteration& done) {
  const RunContext& context = parts_.context;
  const StepResult& result = done.result;
  ++iterations_;
  seconds_ += done.seconds;
  peak_.worked(done.seconds);
  samples_ += static_cast<double>(done.counts.samples);
  tokens_ += static_cast<double>(done.counts.tokens);
  flops_ += training_operations(cost_, done.counts);
  if (result.skipped()) tell_skipped(done);
  if (done.number % context.config.report.log_interval != 0 &&
      done.number + 1 != context.config.train.max_iters && !result.skipped())
    return;
  const double rate = peak_.best().flops * context.world.size();
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
                       ? fmt::format("{} x {}", context.world.size(), peak_.best().words)
                       : peak_.best().words},
      {"eta_seconds", seconds_ / static_cast<double>(iterations_) *
                          static_cast<double>(context.config.train.max_iters - done.number - 1)},
      {"micro_batch_tokens", parts_.state.progress.micro_batch_tokens},
      {"plan", digest_text(done.plan)}};
  if (result.loss_scale != 1) record["loss_scale"] = result.loss_scale;
  if (result.skipped()) record["skipped"] = true;
  context.coordinator.record(record);
  seconds_ = samples_ = tokens_ = flops_ = 0;
  iterations_ = 0;
}

}  // namespace precis
