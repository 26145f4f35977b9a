#include "lib/run/config_relations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "lib/base/errors.h"
#include "lib/text/bpe_trainer.h"
#include "lib/train/lr_schedule.h"

namespace precis {
namespace {

namespace fs = std::filesystem;
using View = ConfigView;

/// Whether two paths are one place; neither need be there.
bool same_place(const fs::path& a, const fs::path& b) {
  std::error_code error;
  const auto place = [&](const fs::path& path) {
    return fs::weakly_canonical(fs::absolute(path, error), error);
  };
  return !a.empty() && !b.empty() && place(a) == place(b) && !error;
}

/// What a module says of its own section; empty if it is content.
template <typename Check>
std::string message_of(const Check& check) {
  try {
    check();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

// ---- run, data, prompt, tokenizer ----

std::string stages(const View& c) {
  const std::vector<std::string>& all = c->run.stages;
  if (all.empty()) return "run.stages is empty: there is nothing to do";
  for (const std::string& stage : all)
    if (std::ranges::count(all, stage) > 1)
      return fmt::format("run.stages names {} twice: each stage is done once", stage);
  return "";
}

std::string rows_to_train(const View& c) {
  return c.trains() && c->data.train_csv.value.empty()
             ? "data.train_csv is not set, and the stage train needs it"
             : "";
}

std::string rows_to_evaluate(const View& c) {
  return c->has_stage("evaluate") && c->data.train_csv.value.empty() &&
                 c->data.validation_csv.value.empty()
             ? "neither data.validation_csv nor data.train_csv is set, and the stage evaluate "
               "needs one"
             : "";
}

std::string rows_to_predict(const View& c) {
  return c->picks_stages() && c->has_stage("predict") && c->data.test_csv.value.empty()
             ? "data.test_csv is not set, and the stage predict needs it"
             : "";
}

std::string nccl_on_cpus(const View& c) {
  return c->comm.backend == "nccl" && c->run.device == "cpu"
             ? "comm.backend is nccl, which sums on GPUs, and run.device is cpu: leave "
               "comm.backend on auto"
             : "";
}

std::string files_written_over(const View& c) {
  const fs::path out = c->run.out_dir.value;
  const auto clash = [&](const char* key, const Path& input, const char* name) {
    return !same_place(input.value, out / name)
               ? std::string()
               : fmt::format("{} is the file that this run writes as {}: set another run.out_dir",
                             c.shown(key), (out / name).string());
  };
  for (const auto& [stage, name] :
       {std::pair{"evaluate", "evaluation.csv"}, std::pair{"predict", "submission.csv"}})
    for (const auto& [key, input] : {std::pair{"data.train_csv", &c->data.train_csv},
                                     std::pair{"data.validation_csv", &c->data.validation_csv},
                                     std::pair{"data.test_csv", &c->data.test_csv}})
      if (const std::string wrong = clash(key, *input, name); c->has_stage(stage) && !wrong.empty())
        return wrong;
  for (const char* name : {"ckpt.pt", "last.pt"})
    if (const std::string wrong = clash("model.init_from", c->model.init_from, name);
        c.trains() && !wrong.empty())
      return wrong + ", or go on with that training by run.resume";
  return "";
}

std::string dialogue_and_summary(const View& c) {
  return (c.trains() || c->has_stage("evaluate")) &&
                 c->data.dialogue_column == c->data.summary_column
             ? fmt::format(
                   "data.dialogue_column and data.summary_column are both {}: the summary "
                   "would be what is summarised",
                   c->data.summary_column)
             : "";
}

std::string validation_is_training(const View& c) {
  return same_place(c->data.train_csv.value, c->data.validation_csv.value)
             ? "data.validation_csv is data.train_csv: no evaluation will say how the model does "
               "on dialogues it has not seen"
             : "";
}

std::string no_prompt(const View& c) {
  return c->prompt.dialogue_start.empty() && c->prompt.summary_start.empty()
             ? "prompt.dialogue_start and prompt.summary_start are both empty: nothing would stand "
               "before the summary of an empty dialogue, nor tell where any dialogue ends"
             : "";
}

std::string no_border(const View& c) {
  return c->prompt.summary_start.empty() && !c->prompt.dialogue_start.empty()
             ? "prompt.summary_start is empty: nothing tells the model where a dialogue ends and "
               "its summary begins"
             : "";
}

std::string trained_vocabulary(const View& c) {
  const int64_t size = c->tokenizer.train_vocab_size;
  if (size == 0 || !c.trains()) return "";
  if (!c->model.from_scratch())
    return fmt::format(
        "{} asks for a new vocabulary, and the weights of {} know their own alone: "
        "leave it out, or train with model.init_from=scratch",
        c.shown("tokenizer.train_vocab_size"), c.shown("model.init_from"));
  if (!c->tokenizer.dir.value.empty())
    return fmt::format("{} asks for a new vocabulary, and {} is one: leave one of them out",
                       c.shown("tokenizer.train_vocab_size"), c.shown("tokenizer.dir"));
  if (size < kMinVocabSize)
    return fmt::format("{} is too small: 256 bytes and the end of the text need {}",
                       c.shown("tokenizer.train_vocab_size"), kMinVocabSize);
  return "";
}

// ---- model, train, eval ----

/// What the family says of the sizes that are asked for.
std::string sizes(const View& c) {
  const ModelFamily* family = find_family(c->families, c->model.family);
  return !c->model.from_scratch() || family == nullptr ? "" : message_of([&] {
    family->from_settings(c->model, c->data.block_size, /*vocab_size=*/1);
  });
}

std::string decay_before_warmup(const View& c) {
  const TrainConfig& train = c->train;
  return c.trains() && train.decay_lr && train.lr_decay_iters && train.warmup_iters > 0 &&
                 *train.lr_decay_iters < train.warmup_iters
             ? fmt::format("{} comes before {}: the decay would end before the warm-up does",
                           c.shown("train.lr_decay_iters"), c.shown("train.warmup_iters"))
             : "";
}

std::string floor_above_peak(const View& c) {
  const TrainConfig& train = c->train;
  return c.trains() && train.decay_lr && train.min_lr > train.learning_rate
             ? fmt::format(
                   "{} is above {}: the decay would raise the rate. Set train.min_lr to {} "
                   "(a tenth, as usual) or less, or train.decay_lr to false",
                   c.shown("train.min_lr"), c.shown("train.learning_rate"),
                   train.learning_rate / 10)
             : "";
}

bool ends_in_warmup(const TrainConfig& train) {
  return train.decay_lr && train.max_iters > 0 && train.warmup_iters >= train.max_iters;
}

std::string peak_never_reached(const View& c) {
  return c.trains() && ends_in_warmup(c->train)
             ? fmt::format("{} lasts to the end of {}: the learning rate never gets to {}",
                           c.shown("train.warmup_iters"), c.shown("train.max_iters"),
                           c.shown("train.learning_rate"))
             : "";
}

std::string decay_never_done(const View& c) {
  const TrainConfig& train = c->train;
  return c.trains() && train.decay_lr && !ends_in_warmup(train) && train.max_iters > 0 &&
                 train.lr_decay_iters.value_or(0) > train.max_iters
             ? fmt::format("{} is beyond {}: the learning rate ends at {:.2g}, not at {}",
                           c.shown("train.lr_decay_iters"), c.shown("train.max_iters"),
                           learning_rate(train, train.max_iters - 1), c.shown("train.min_lr"))
             : "";
}

std::string metric_unknown(const View& c) {
  return c.trains() && c->eval.metric != "val_loss" && c->eval.rouge_examples == 0
             ? fmt::format("eval.metric is {}, but eval.rouge_examples is 0, so it is never known",
                           c->eval.metric)
             : "";
}

std::string patience_too_long(const View& c) {
  const int64_t patience = c->eval.early_stopping_patience;
  // The first evaluation is before the first iteration, and the one at the end stops nothing.
  const int64_t later = std::max<int64_t>(0, c->train.max_iters - 1) / c->eval.interval;
  return c.trains() && patience > later
             ? fmt::format("{} is never reached: {} and {} leave {} evaluations after the first",
                           c.shown("eval.early_stopping_patience"), c.shown("train.max_iters"),
                           c.shown("eval.interval"), later)
             : "";
}

std::string more_samples_than_rouge(const View& c) {
  const int64_t summarised = c->eval.rouge_examples;  // none: the feature is off, and that is meant
  return c.trains() && summarised > 0 && c.is_wished("eval.samples") && c->eval.samples > summarised
             ? fmt::format("{} is more than {}: no others are summarised, so no others are shown",
                           c.shown("eval.samples"), c.shown("eval.rouge_examples"))
             : "";
}

// ---- generation ----

std::string room_for_dialogue(const View& c) {
  return c->generation.max_new_tokens >= c->data.block_size
             ? fmt::format("{} leaves no room for a dialogue in {}",
                           c.shown("generation.max_new_tokens"), c.shown("data.block_size"))
             : "";
}

std::string generation_itself(const View& c) {
  return message_of([&] { c->generation.validate(); });
}

constexpr bool kWarning = false;

constexpr std::array kRelations{
    Relation{"run.stages", true, stages},
    Relation{"run.stages data.train_csv", true, rows_to_train},
    Relation{"run.stages data.train_csv data.validation_csv", true, rows_to_evaluate},
    Relation{"run.stages data.test_csv", true, rows_to_predict},
    Relation{"run.device comm.backend", true, nccl_on_cpus},
    Relation{"run.out_dir data.* model.init_from", true, files_written_over},
    Relation{"data.dialogue_column data.summary_column", true, dialogue_and_summary},
    Relation{"data.train_csv data.validation_csv", kWarning, validation_is_training},
    Relation{"prompt.dialogue_start prompt.summary_start", true, no_prompt},
    Relation{"prompt.summary_start", kWarning, no_border},
    Relation{"tokenizer.train_vocab_size tokenizer.dir model.init_from", true, trained_vocabulary},
    Relation{"model.*", true, sizes},
    Relation{"train.lr_decay_iters train.warmup_iters", true, decay_before_warmup},
    Relation{"train.min_lr train.learning_rate", true, floor_above_peak},
    Relation{"train.warmup_iters train.max_iters", kWarning, peak_never_reached},
    Relation{"train.lr_decay_iters train.max_iters", kWarning, decay_never_done},
    Relation{"eval.metric eval.rouge_examples", true, metric_unknown},
    Relation{"eval.early_stopping_patience eval.interval train.max_iters", kWarning,
             patience_too_long},
    Relation{"eval.samples eval.rouge_examples", kWarning, more_samples_than_rouge},
    Relation{"generation.max_new_tokens data.block_size", true, room_for_dialogue},
    Relation{"generation.*", true, generation_itself},
};

}  // namespace

std::span<const Relation> relations() {
  return kRelations;
}

}  // namespace precis
