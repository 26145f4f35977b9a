#include "lib/run/evaluation_observer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "lib/base/digest_text.h"
#include "lib/eval/evaluation.h"
#include "lib/eval/validation_loss.h"
#include "lib/run/best_checkpoint.h"
#include "lib/run/stop_signal.h"
#include "lib/train/lr_schedule.h"

namespace precis {

double EvaluationObserver::Scores::metric(const std::string& name) const {
  return name == "rouge1"   ? rouge1
         : name == "rouge2" ? rouge2
         : name == "rougeL" ? rougeL
                            : -val_loss;
}

EvaluationObserver::EvaluationObserver(const TrainingParts& parts,
                                       const DialogueDataset& validation)
    : parts_(parts),
      validation_(validation),
      model_(*parts.state.model, parts.state.parameters.weights()),
      summarizer_({model_, *parts.state.shape, *parts.inputs.prompt, *parts.inputs.tokenizer,
                   parts.context.world}) {}

/// Nothing where a signal asked to stop.
std::optional<EvaluationObserver::Scores> EvaluationObserver::evaluate() {
  const RunConfig& config = parts_.context.config;
  Scores scores;
  scores.num_examples = config.eval.max_loss_examples == 0
                            ? validation_.size()
                            : std::min(config.eval.max_loss_examples, validation_.size());
  const auto loss =
      validation_loss(*parts_.state.model, parts_.state.parameters.weights(),
                      {validation_, scores.num_examples, parts_.state.progress.micro_batch_tokens},
                      parts_.context.world, stop_was_requested);
  if (!loss) return std::nullopt;
  scores.val_loss = *loss;
  scores.rouge_num_examples = std::min(config.eval.rouge_examples,
                                       static_cast<int64_t>(parts_.inputs.split.validation.size()));
  if (scores.rouge_num_examples > 0 && !score(scores)) return std::nullopt;
  return scores;
}

/// ROUGE of the first rows; false where a signal asked to stop.
bool EvaluationObserver::score(Scores& scores) {
  const RunConfig& config = parts_.context.config;
  const World& world = parts_.context.world;
  const auto& rows = parts_.inputs.split.validation;
  const std::span<const Example> examples =
      std::span(rows).first(static_cast<size_t>(scores.rouge_num_examples));
  const auto predictions =
      summarizer_.summaries(examples, config.generation, {.stop_requested = stop_was_requested});
  if (!predictions) return false;
  std::array<double, 4> shared{};  // the root scores; zeros elsewhere, so that a sum is a broadcast
  if (world.is_root()) {
    const SummaryScores scored = score_summaries(examples, *predictions);
    shared = {scored.mean.rouge1.fmeasure, scored.mean.rouge2.fmeasure, scored.mean.rougeL.fmeasure,
              static_cast<double>(count_empty(*predictions))};
    for (int64_t i = 0; i < std::min(config.eval.samples, scores.rouge_num_examples); ++i) {
      const auto at = static_cast<size_t>(i);
      parts_.context.coordinator.log().info(
          fmt::format("  sample {}\n    reference:  {}\n    prediction: {}", examples[at].id,
                      examples[at].summary, (*predictions)[at]));
    }
  }
  world.sum(shared);
  scores.rouge1 = shared[0];
  scores.rouge2 = shared[1];
  scores.rougeL = shared[2];
  scores.num_empty = static_cast<int64_t>(shared[3]);
  return true;
}

/// Ranks whose weights drift apart would train on without a sign: one line says it.
void EvaluationObserver::compare_ranks(int64_t steps, uint64_t digest) const {
  for (const std::string& theirs : parts_.context.world.all_gather(std::to_string(digest)))
    if (theirs != std::to_string(digest) && parts_.context.coordinator.is_root())
      parts_.context.coordinator.log().warn(
          fmt::format("after {} steps the ranks' weights are not the same: memory, a device or the "
                      "network is faulty",
                      steps));
}

Record EvaluationObserver::record_of(int64_t steps, const Scores& scores) {
  Record record{{"kind", "eval"}, {"iter", steps}, {"val_loss", scores.val_loss}};
  for (auto [name, value] : {std::pair{"rouge1", scores.rouge1}, std::pair{"rouge2", scores.rouge2},
                             std::pair{"rougeL", scores.rougeL}})
    record[name] = scores.rouge_num_examples > 0 ? Record(value) : Record();
  record["num_examples"] = scores.num_examples;
  record["rouge_num_examples"] = scores.rouge_num_examples;
  if (scores.rouge_num_examples > 0) record["num_empty_summaries"] = scores.num_empty;
  return record;
}

Boundary EvaluationObserver::reached(int64_t steps, Boundary boundary) {
  const RunConfig& config = parts_.context.config;
  Progress& progress = parts_.state.progress;
  const bool due = steps % config.eval.interval == 0 || boundary == Boundary::kFinished;
  if (boundary == Boundary::kStopped || !due || progress.evaluated_iter == steps) return boundary;
  const auto began = std::chrono::steady_clock::now();
  const auto evaluated = evaluate();
  if (!evaluated) {
    parts_.context.coordinator.log().info(
        fmt::format("the evaluation after {} steps is stopped by a signal; it is done when this "
                    "goes on",
                    steps));
    return Boundary::kStopped;
  }
  const Scores& scores = *evaluated;
  const uint64_t digest = parts_.state.parameters.digest();
  compare_ranks(steps, digest);
  const bool better =
      note_evaluation(progress, {steps, scores.val_loss, scores.metric(config.eval.metric)});
  Record record = record_of(steps, scores);
  record["best"] = better;
  record["seconds"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  record["weights"] = digest_text(digest);
  parts_.context.coordinator.record(record);
  if (better)
    parts_.context.coordinator.save_best(parts_.state.checkpoint(steps),
                                         learning_rate(config.train, steps));
  if (boundary != Boundary::kGoingOn ||
      !is_patience_over(progress, config.eval.early_stopping_patience))
    return boundary;
  parts_.context.coordinator.log().info(
      fmt::format("early stop: {} evaluations without a better {}; the best was after {} steps",
                  progress.stale_evaluations, config.eval.metric, progress.best_iter));
  return Boundary::kEndedEarly;
}

}  // namespace precis
