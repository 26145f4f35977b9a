#include "lib/run/output_stages.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/digest_text.h"
#include "lib/base/random.h"
#include "lib/config/describe.h"
#include "lib/eval/evaluation.h"
#include "lib/eval/kept_rows.h"
#include "lib/eval/summarizer.h"
#include "lib/eval/validation_loss.h"
#include "lib/run/input_digests.h"
#include "lib/run/same_start.h"
#include "lib/run/stop_signal.h"
#include "lib/tensor/digest.h"

namespace precis {
namespace {

/// What a stage is about: its words, its rows, and what its result depends on.
struct Task {
  const char* stage;
  const char* noun;  ///< in the log
  std::span<const Example> examples;
  std::string settings;  ///< digest of what the result depends on besides the weights
};

std::string settings_digest(const RunConfig& config, const Inputs& inputs,
                            const OutputModel& loaded, std::span<const Example> examples,
                            int64_t limit) {
  GenerationConfig generation = config.generation;
  PromptConfig prompt = config.prompt;
  uint64_t digest =
      digest_of_text(dump_yaml({{"generation", generation.fields()}, {"prompt", prompt.fields()}}));
  digest = mix_key({digest, digest_of(inputs.tokenizer->texts())});
  for (const ModelSize& size : loaded.file.shape->sizes())
    digest = mix_key({digest, digest_of_text(size.key + "=" + size.value)});
  digest = mix_key({digest, static_cast<uint64_t>(limit)});
  for (const int32_t token : loaded.file.end_tokens)
    digest = mix_key({digest, static_cast<uint64_t>(token)});
  return digest_text(mix_key({digest, digest_of(examples)}));
}

/// Whether the root finds the stage done already; all ranks get its answer.
bool up_to_date(const RunContext& context, const Task& task, const OutputModel& loaded,
                const char* file) {
  if (context.config.picks_stages()) return false;
  double answer[] = {0};
  context.world.together([&] {
    if (context.coordinator.is_root() &&
        context.coordinator.is_up_to_date(task.stage, loaded.digest, task.settings, file))
      answer[0] = 1;
  });
  context.world.sum(answer);
  if (answer[0] == 0) return false;
  context.coordinator.log().info(fmt::format("{} is up to date", file));
  context.coordinator.remove_kept_rows(task.stage);  // of a run that ended before it could
  return true;
}

/// A line now and then.
auto progress_lines(Log& log, const char* noun) {
  return [&log, noun, shown = 0.0](int64_t written, int64_t to_write, double seconds) mutable {
    constexpr double kInterval = 5;
    if (written == 0 || (seconds - shown < kInterval && written < to_write) || seconds < 1) return;
    shown = seconds;
    log.info(fmt::format(
        "{}: {} of {}, {:.1f} a second, {:.0f} s to go", noun, written, to_write,
        static_cast<double>(written) / seconds,
        seconds / static_cast<double>(written) * static_cast<double>(to_write - written)));
  };
}

Summarizer summarizer_of(const RunContext& context, const Inputs& inputs,
                         const OutputModel& loaded) {
  return Summarizer({loaded.inference, *loaded.file.shape, *inputs.prompt, *inputs.tokenizer,
                     context.world, loaded.file.end_tokens});
}

/// Collective. The summaries of a task's rows, on the root: those that an earlier start has done
/// are taken over, and each that is written is kept. Nothing where a signal asked to stop.
std::optional<std::vector<std::string>> summaries_of(const RunContext& context,
                                                     const Inputs& inputs,
                                                     const OutputModel& loaded, const Task& task) {
  Coordinator& coordinator = context.coordinator;
  Log& log = coordinator.log();
  std::unique_ptr<KeptRows> kept;
  context.world.together([&] {
    kept = coordinator.kept_rows(task.stage, {loaded.digest, task.settings, task.examples.size()});
  });
  SummaryWatch watch{.stop_requested = stop_was_requested,
                     .progress = progress_lines(log, task.noun)};
  size_t num_done = 0;
  if (kept) {
    if (!kept->found().empty()) log.info(fmt::format("{}: {}", task.noun, kept->found()));
    watch.done = kept->rows();
    num_done = kept->rows().size();
    watch.finished = [&](size_t row, const std::string& text) {
      coordinator.require_held();
      kept->keep(row, text);
      ++num_done;
    };
  }
  auto texts = summarizer_of(context, inputs, loaded)
                   .summaries(task.examples, context.config.generation, watch);
  if (texts) return texts;
  if (kept) kept->sync();
  log.info(fmt::format("{}: stopped by a signal; {} of {} rows are done and kept", task.noun,
                       num_done, task.examples.size()));
  return std::nullopt;
}

void warn_of_empty(Log& log, const char* what, std::span<const std::string> summaries) {
  if (const std::string warning = empty_summaries_warning(summaries); !warning.empty())
    log.warn(fmt::format("{}: {}", what, warning));
}

/// The root's: evaluation.json and evaluation.csv.
void write_evaluation(const RunContext& context, const Inputs& inputs, const OutputModel& loaded,
                      const Task& task, double loss, std::span<const std::string> predictions) {
  const SummaryScores scores = score_summaries(task.examples, predictions);
  nlohmann::ordered_json json{{"iter", loaded.file.progress.iter},
                              {"val_loss", loss},
                              {"num_examples", task.examples.size()}};
  json.update(rouge_json(scores));
  json["weights"] = loaded.digest;
  Log& log = context.coordinator.log();
  if (!inputs.split.train.empty()) {
    const Baselines baselines = score_baselines(inputs.split.train, task.examples);
    json["baselines"] = {{"constant", baselines.constant},
                         {"first_utterance", baselines.first_utterance},
                         {"longest_utterance", baselines.longest_utterance}};
    log.info(
        fmt::format("ROUGE-1 F without a model: best constant summary {:.4f}, first utterance "
                    "{:.4f}, longest utterance {:.4f}",
                    baselines.constant, baselines.first_utterance, baselines.longest_utterance));
  }
  context.coordinator.write("evaluation.json", json.dump(2) + "\n");
  context.coordinator.write("evaluation.csv", evaluation_csv(task.examples, predictions, scores));
  log.info(
      fmt::format("evaluation of {} examples: loss {:.4f}, ROUGE-1 F {:.4f}, ROUGE-2 F {:.4f}, "
                  "ROUGE-L F {:.4f}",
                  task.examples.size(), loss, scores.mean.rouge1.fmeasure,
                  scores.mean.rouge2.fmeasure, scores.mean.rougeL.fmeasure));
  warn_of_empty(log, "evaluation", predictions);
  context.coordinator.note_stage(task.stage, loaded.file.progress.iter, loaded.digest,
                                 task.settings);
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

bool evaluate_stage(const RunContext& context, const Inputs& inputs, OutputModel& loaded) {
  const RunConfig& config = context.config;
  const auto& all = inputs.split.validation;
  const size_t count =
      config.eval.max_examples == 0
          ? all.size()
          : std::min<size_t>(all.size(), static_cast<size_t>(config.eval.max_examples));
  const std::span<const Example> examples = std::span(all).first(count);
  const Task task{"evaluate", "evaluation", examples,
                  settings_digest(config, inputs, loaded, examples, static_cast<int64_t>(count))};
  if (up_to_date(context, task, loaded, "evaluation.json")) return true;
  std::unique_ptr<DialogueDataset> data;
  context.world.together([&] {
    data = std::make_unique<DialogueDataset>(examples, *inputs.prompt,
                                             loaded.file.shape->block_size, false);
  });
  const int64_t budget = std::max<int64_t>(1024, loaded.file.progress.micro_batch_tokens);
  const auto loss =
      validation_loss(*loaded.model, loaded.inference.weights(), {*data, data->size(), budget},
                      context.world, stop_was_requested);
  if (!loss) return false;
  const auto predictions = summaries_of(context, inputs, loaded, task);
  if (!predictions) return false;
  if (context.coordinator.is_root())
    write_evaluation(context, inputs, loaded, task, *loss, *predictions);
  return true;
}

bool predict_stage(const RunContext& context, const Inputs& inputs, OutputModel& loaded) {
  const Task task{"predict", "prediction", inputs.test,
                  settings_digest(context.config, inputs, loaded, inputs.test, 0)};
  if (up_to_date(context, task, loaded, "submission.csv")) return true;
  const auto summaries = summaries_of(context, inputs, loaded, task);
  if (!summaries) return false;
  if (!context.coordinator.is_root()) return true;
  context.coordinator.write("submission.csv", submission_csv(inputs.test, *summaries));
  Log& log = context.coordinator.log();
  log.info(fmt::format("predictions of {} rows: {}", summaries->size(),
                       (context.coordinator.folder().path() / "submission.csv").string()));
  warn_of_empty(log, "predictions", *summaries);
  context.coordinator.note_stage(task.stage, loaded.file.progress.iter, loaded.digest,
                                 task.settings);
  return true;
}

}  // namespace precis
