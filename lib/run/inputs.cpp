#include "lib/run/inputs.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/errors.h"
#include "lib/report/json_lines.h"
#include "lib/run/model_source.h"
#include "lib/run/resume_changes.h"
#include "lib/text/bpe_trainer.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

/// Sizes that the user set must be those of the weights: those that are not, a line each.
std::vector<std::string> contradicted_sizes(const RunConfig& config, const ModelFile& model) {
  std::vector<std::string> wrong;
  const auto compare = [&](const std::string& key, const std::string& wanted,
                           const std::string& found) {
    if (wanted != found)
      wrong.push_back(fmt::format("{} is {}, but {} has {}", key, wanted, model.where, found));
  };
  const std::vector<ModelSize> sizes = model.shape->sizes();
  ModelSettings wished = config.model;
  for (const Field& field : wished.size_fields()) {
    const std::string wanted = to_yaml(field);
    if (wanted == "null" || wanted == "auto") continue;
    const auto found = std::ranges::find(sizes, field.name, &ModelSize::key);
    compare("model." + field.name, wanted, found == sizes.end() ? "none" : found->value);
  }
  if (config.is_set("data.block_size") && config.data.block_size > model.shape->block_size)
    compare("data.block_size", std::to_string(config.data.block_size),
            std::to_string(model.shape->block_size));
  return wrong;
}

/// What training goes on with must be what it went on with so far. Throws ConfigError for what may
/// not change; says what else has.
void settle_changes(const RunConfig& config, const Inputs& inputs, ModelFile& model, Log& log) {
  ResumeChanges changes = resume_changes(config, inputs.split, model);
  std::vector<std::string> refused = contradicted_sizes(config, model);
  std::ranges::move(changes.refused, std::back_inserter(refused));
  if (!refused.empty()) throw ConfigError(refusal(refused, model));
  for (const std::string& line : changes.taken) log.info("changed since: " + line);
  if (!changes.other_metric) return;
  log.info(fmt::format("the next evaluation is the best so far by {}", config.eval.metric));
  const Progress anew;
  model.progress.best_metric = anew.best_metric;
  model.progress.stale_evaluations = anew.stale_evaluations;
}

ModelFile from_scratch(const RunConfig& config, int32_t vocab_size) {
  const ModelFamily* family = find_family(config.families, config.model.family);
  if (family == nullptr)
    throw ConfigError(fmt::format("model.family {} is not known", config.model.family));
  ModelFile model;
  model.where = "scratch";
  model.shape = family->from_settings(config.model, config.data.block_size, vocab_size);
  model.flat = initial_parameters(model.table(), static_cast<uint64_t>(config.run.seed));
  return model;
}

std::unique_ptr<BpeTokenizer> scratch_tokenizer(const RunConfig& config,
                                                const std::vector<Example>& train) {
  if (!config.tokenizer.dir.value.empty())
    return std::make_unique<BpeTokenizer>(BpeTokenizer::load(config.tokenizer.dir.value));
  if (config.tokenizer.train_vocab_size == 0)
    throw ConfigError(
        "model.init_from is scratch, so a vocabulary must come from somewhere: set tokenizer.dir "
        "(a folder with vocab.json and merges.txt, or tokenizer.json), or "
        "tokenizer.train_vocab_size to train one from the data");
  std::vector<std::string> texts;
  for (const Example& example : train) {
    texts.push_back(config.prompt.dialogue_start + example.dialogue + config.prompt.summary_start);
    texts.push_back(example.summary);
  }
  return std::make_unique<BpeTokenizer>(
      train_bpe(texts, static_cast<int32_t>(config.tokenizer.train_vocab_size)));
}

[[noreturn]] void fail_damaged(const CheckpointFolder& folder,
                               const std::vector<std::string>& reasons) {
  throw DataError(fmt::format(
      "{}\n{}: there is no whole checkpoint to go on from: move the damaged ones away to train "
      "from the start, or name a whole one by run.resume and another run.out_dir",
      fmt::join(reasons, "\n"), fs::absolute(folder.path()).string()));
}

/// What it costs to go on from `iter`: the name of a damaged checkpoint may say it, and so do the
/// records of what was done.
std::string cost_of(const CheckpointFolder& folder, int64_t lost_iter, int64_t iter) {
  int64_t done = lost_iter;
  for (const Record& record : read_json_lines(folder.path() / "metrics.jsonl"))
    if (is_kind(record, "train")) done = std::max(done, iteration_of(record).value_or(-1) + 1);
  if (done < 0) return "";
  const int64_t again = std::max<int64_t>(done - iter, 0);
  return fmt::format("; {} iteration{} done again", again, again == 1 ? " is" : "s are");
}

/// The newest whole checkpoint of the run folder; one warning for all that are damaged. Throws
/// DataError where there are only damaged ones.
std::optional<ModelFile> newest_model(const RunConfig& config, const CheckpointFolder& folder,
                                      Inputs& inputs, Log& log) {
  std::optional<ModelFile> model;
  const auto [path, damaged, reasons, lost_iter] =
      folder.newest([&](const fs::path& file) { model = read_checkpoint(file, config.families); });
  if (damaged.empty()) return model;
  if (!path) fail_damaged(folder, reasons);
  log.warn(fmt::format("damaged: {}; going on from {} at iteration {} instead{}",
                       fmt::join(reasons, "; "), path->filename().string(), model->progress.iter,
                       cost_of(folder, lost_iter, model->progress.iter)));
  inputs.damaged = damaged;
  return model;
}

/// The checkpoint that training goes on from: the one further along where run.resume names a file.
std::optional<ModelFile> resumed_model(const RunConfig& config, const CheckpointFolder& folder,
                                       Inputs& inputs, Log& log) {
  const fs::path wish = config.run.resume.value;
  if (wish == "never") {
    if (!folder.checkpoints().empty())
      throw ConfigError(
          fmt::format("run.resume is never, but {} holds a checkpoint: name another run.out_dir, "
                      "or move it away",
                      fs::absolute(folder.path()).string()));
    return std::nullopt;
  }
  if (wish == "auto") return newest_model(config, folder, inputs, log);
  if (!fs::exists(wish))
    throw DataError(fmt::format("{}: there is no such checkpoint to resume from (run.resume)",
                                fs::absolute(wish).string()));
  ModelFile named = read_checkpoint(wish, config.families);
  std::optional<ModelFile> own = newest_model(config, folder, inputs, log);
  return own && own->progress.iter > named.progress.iter ? std::move(own)
                                                         : std::optional(std::move(named));
}

ModelFile choose_model(const RunConfig& config, Inputs& inputs, Log& log) {
  const CheckpointFolder folder(config.run.out_dir.value);
  if (!config.has_stage("train")) return read_for_evaluation(config, folder, inputs.damaged, log);
  if (auto model = resumed_model(config, folder, inputs, log)) {
    inputs.resumed = true;
    inputs.resumed_last = model->where == fs::absolute(folder.last()).string();
    log.info(fmt::format("resuming from {} at iteration {}{}", model->where, model->progress.iter,
                         config.model.from_scratch() ? "" : "; model.init_from is not looked at"));
    return std::move(*model);
  }
  if (config.model.from_scratch()) {
    inputs.tokenizer = scratch_tokenizer(config, inputs.split.train);
    return from_scratch(config, inputs.tokenizer->vocab_size());
  }
  ModelFile model = load_model(config.model.init_from.value, config.families);
  model.progress = Progress{};  // weights only: a new training
  model.optimizer.reset();
  return model;
}

}  // namespace

ModelFile read_for_evaluation(const RunConfig& config, const CheckpointFolder& folder,
                              std::vector<fs::path>& damaged, Log& log) {
  if (folder.to_evaluate()) {
    std::optional<ModelFile> model;
    const auto found = folder.best_whole(
        [&](const fs::path& file) { model = read_checkpoint(file, config.families); });
    if (!found.path) fail_damaged(folder, found.reasons);
    if (!found.damaged.empty())
      log.warn(fmt::format("damaged: {}; using {} instead", fmt::join(found.reasons, "; "),
                           found.path->filename().string()));
    damaged = found.damaged;
    return std::move(*model);
  }
  if (config.model.from_scratch())
    throw DataError(
        fmt::format("{}: holds no ckpt.pt or last.pt, and model.init_from is scratch: there are no "
                    "weights to evaluate. Train first, or name a "
                    "model by model.init_from",
                    fs::absolute(folder.path()).string()));
  return load_model(config.model.init_from.value, config.families);
}

RunInputs read_inputs(const RunConfig& config, Log& log) {
  Inputs inputs;
  const bool needs_pairs = config.has_stage("train") || config.has_stage("evaluate");
  if (needs_pairs) {
    if (!config.data.train_csv.value.empty())
      inputs.split = read_split(config.data);
    else
      inputs.split.validation = read_examples(config.data.validation_csv.value, config.data, true);
  }
  if (config.has_stage("predict") && !config.data.test_csv.value.empty())
    inputs.test = read_examples(config.data.test_csv.value, config.data, false);
  ModelFile model = choose_model(config, inputs, log);
  for (const std::string& warning : model.warnings) log.warn(warning);
  if (config.has_stage("train")) model.end_tokens.clear();  // it learns <|endoftext|>
  if (inputs.resumed) {
    settle_changes(config, inputs, model, log);
  } else if (model.where != "scratch") {
    const std::vector<std::string> wrong = contradicted_sizes(config, model);
    if (!wrong.empty()) throw ConfigError(fmt::format("{}", fmt::join(wrong, "\n")));
  }
  if (config.has_stage("train")) model.data = digests_of(inputs.split);
  if (config.is_set("data.block_size") || config.data.block_size < model.shape->block_size)
    crop_positions(model, config.data.block_size);
  model.shape->dropout = config.model.dropout;
  if (!inputs.tokenizer) {
    const bool own = !config.tokenizer.dir.value.empty() && !inputs.resumed;
    inputs.tokenizer =
        std::make_unique<BpeTokenizer>(own ? BpeTokenizer::load(config.tokenizer.dir.value)
                                           : tokenizer_of(model, config.tokenizer.dir.value));
  }
  inputs.tokenizer->fit_to(model.shape->vocab_size, model.where);
  model.tokenizer = inputs.tokenizer->texts();
  model.prompt = config.prompt;
  model.generation = config.generation;
  inputs.prompt = std::make_unique<SummaryPrompt>(config.prompt, *inputs.tokenizer);
  inputs.shape = model.shape;
  inputs.iter = model.progress.iter;
  return {std::move(inputs), std::move(model)};
}

}  // namespace precis
