#include "lib/run/output_stages.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/digest_text.h"
#include "lib/base/random.h"
#include "lib/config/describe.h"
#include "lib/eval/evaluation.h"
#include "lib/eval/summarizer.h"
#include "lib/eval/validation_loss.h"
#include "lib/run/same_start.h"
#include "lib/run/stop_signal.h"
#include "lib/tensor/digest.h"

namespace precis {
namespace {

/// Digest of what a stage's result depends on besides the weights.
std::string settings_digest(const RunConfig& config, const EndTokens& end_tokens,
                            std::span<const Example> examples, int64_t limit) {
  GenerationConfig generation = config.generation;
  PromptConfig prompt = config.prompt;
  uint64_t digest =
      digest_of_text(dump_yaml({{"generation", generation.fields()}, {"prompt", prompt.fields()}}));
  digest = mix_key({digest, static_cast<uint64_t>(limit)});
  for (const int32_t token : end_tokens) digest = mix_key({digest, static_cast<uint64_t>(token)});
  for (const Example& example : examples)
    for (const std::string* text : {&example.id, &example.dialogue, &example.summary})
      digest = mix_key({digest, digest_of_text(*text)});
  return fmt::format("{:016x}", digest);
}

/// Whether the root finds the stage done already; all ranks get its answer.
bool up_to_date(const RunContext& context, const char* stage, const OutputModel& loaded,
                const std::string& settings, const char* file) {
  if (context.config.picks_stages()) return false;
  double answer[] = {0};
  context.world.together([&] {
    if (context.coordinator.is_root() &&
        context.coordinator.is_up_to_date(stage, loaded.digest, settings, file))
      answer[0] = 1;
  });
  context.world.sum(answer);
  if (answer[0] > 0) context.coordinator.log().info(fmt::format("{} is up to date", file));
  return answer[0] > 0;
}

/// A line now and then, and the way out when a signal came: nothing is lost by ending here.
Summarizer::Progress progress_lines(const RunContext& context, const char* what) {
  double shown = 0;
  return [&context, what, shown](int64_t done, int64_t total, double seconds) mutable {
    if (stop_was_requested())
      context.world.abort(ExitCode::kStopped,
                          "stopped by a signal; run the same line again to go on");
    constexpr double kInterval = 5;
    if (done == 0 || (seconds - shown < kInterval && done < total) || seconds < 1) return;
    shown = seconds;
    context.coordinator.log().info(
        fmt::format("{}: {} of {}, {:.1f} a second, {:.0f} s to go", what, done, total,
                    static_cast<double>(done) / seconds,
                    seconds / static_cast<double>(done) * static_cast<double>(total - done)));
  };
}

Summarizer summarizer_of(const RunContext& context, const Inputs& inputs,
                         const OutputModel& loaded) {
  return Summarizer({loaded.inference, *loaded.file.shape, *inputs.prompt, *inputs.tokenizer,
                     context.world, loaded.file.end_tokens});
}

void warn_of_empty(Log& log, const char* what, std::span<const std::string> summaries) {
  if (const std::string warning = empty_summaries_warning(summaries); !warning.empty())
    log.warn(fmt::format("{}: {}", what, warning));
}

}  // namespace

OutputModel::OutputModel(const RunContext& context, ModelFile read)
    : file(std::move(read)),
      digest(digest_text(digest_of(file.flat))),
      model(file.shape->make_model(file.table(), context.setup.device)),
      inference(*model,
                make_weights(file.table(), file.flat.to(context.setup.device),
                             context.setup.generation_dtype),
                context.setup.generation_form) {
  file.optimizer.reset();
  file.flat.reset();
}

std::unique_ptr<OutputModel> load_output_model(const RunContext& context, const Inputs& inputs,
                                               std::optional<ModelFile> read) {
  if (!read) {
    std::vector<std::filesystem::path> damaged;
    context.world.together([&] {
      read = read_for_evaluation(context.config, context.coordinator.folder(), damaged,
                                 context.coordinator.log());
      crop_positions(*read, inputs.shape->block_size);
    });
    require_same_start(context.world, *read);
    context.coordinator.keep_aside(damaged);
  }
  context.coordinator.log().info(
      fmt::format("using {} (iteration {})", read->where, read->progress.iter));
  return std::make_unique<OutputModel>(context, std::move(*read));
}

void evaluate_stage(const RunContext& context, const Inputs& inputs, OutputModel& loaded) {
  const RunConfig& config = context.config;
  const auto& all = inputs.split.validation;
  const size_t count =
      config.eval.max_examples == 0
          ? all.size()
          : std::min<size_t>(all.size(), static_cast<size_t>(config.eval.max_examples));
  const std::span<const Example> examples = std::span(all).first(count);
  const std::string settings =
      settings_digest(config, loaded.file.end_tokens, examples, static_cast<int64_t>(count));
  if (up_to_date(context, "evaluate", loaded, settings, "evaluation.json")) return;
  std::unique_ptr<DialogueDataset> data;
  context.world.together([&] {
    data = std::make_unique<DialogueDataset>(examples, *inputs.prompt,
                                             loaded.file.shape->block_size, false);
  });
  const int64_t budget = std::max<int64_t>(1024, loaded.file.progress.micro_batch_tokens);
  const double loss = validation_loss(*loaded.model, loaded.inference.weights(),
                                      {*data, data->size(), budget}, context.world);
  const Summarizer summarizer = summarizer_of(context, inputs, loaded);
  const std::vector<std::string> predictions =
      summarizer.summaries(examples, config.generation, progress_lines(context, "evaluation"));
  if (!context.coordinator.is_root()) return;

  const SummaryScores scores = score_summaries(examples, predictions);
  nlohmann::ordered_json json{
      {"iter", loaded.file.progress.iter}, {"val_loss", loss}, {"num_examples", count}};
  json.update(rouge_json(scores));
  json["weights"] = loaded.digest;
  Log& log = context.coordinator.log();
  if (!inputs.split.train.empty()) {
    const Baselines baselines = score_baselines(inputs.split.train, examples);
    json["baselines"] = {{"constant", baselines.constant},
                         {"first_utterance", baselines.first_utterance},
                         {"longest_utterance", baselines.longest_utterance}};
    log.info(
        fmt::format("ROUGE-1 F without a model: best constant summary {:.4f}, first utterance "
                    "{:.4f}, longest utterance {:.4f}",
                    baselines.constant, baselines.first_utterance, baselines.longest_utterance));
  }
  context.coordinator.write("evaluation.json", json.dump(2) + "\n");
  context.coordinator.write("evaluation.csv", evaluation_csv(examples, predictions, scores));
  log.info(
      fmt::format("evaluation of {} examples: loss {:.4f}, ROUGE-1 F {:.4f}, ROUGE-2 F {:.4f}, "
                  "ROUGE-L F {:.4f}",
                  count, loss, scores.mean.rouge1.fmeasure, scores.mean.rouge2.fmeasure,
                  scores.mean.rougeL.fmeasure));
  warn_of_empty(log, "evaluation", predictions);
  context.coordinator.note_stage("evaluate", loaded.file.progress.iter, loaded.digest, settings);
}

void predict_stage(const RunContext& context, const Inputs& inputs, OutputModel& loaded) {
  const std::string settings =
      settings_digest(context.config, loaded.file.end_tokens, inputs.test, 0);
  if (up_to_date(context, "predict", loaded, settings, "submission.csv")) return;
  const Summarizer summarizer = summarizer_of(context, inputs, loaded);
  const std::vector<std::string> summaries = summarizer.summaries(
      inputs.test, context.config.generation, progress_lines(context, "prediction"));
  if (!context.coordinator.is_root()) return;
  context.coordinator.write("submission.csv", submission_csv(inputs.test, summaries));
  Log& log = context.coordinator.log();
  log.info(fmt::format("predictions of {} rows: {}", summaries.size(),
                       (context.coordinator.folder().path() / "submission.csv").string()));
  warn_of_empty(log, "predictions", summaries);
  context.coordinator.note_stage("predict", loaded.file.progress.iter, loaded.digest, settings);
}

}  // namespace precis
