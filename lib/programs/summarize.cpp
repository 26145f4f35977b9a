#include "lib/programs/summarize.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string_view>
#include <vector>

#include "lib/base/files.h"
#include "lib/base/idle_keys.h"
#include "lib/base/log.h"
#include "lib/base/output_target.h"
#include "lib/checkpoint/model_file.h"
#include "lib/eval/evaluation.h"
#include "lib/eval/summarizer.h"
#include "lib/generate/inference_model.h"
#include "lib/model/weights.h"
#include "lib/run/device_check.h"
#include "lib/run/device_setup.h"
#include "lib/run/model_source.h"

namespace precis {
namespace {

bool is_csv(const std::string& file) {
  return file.ends_with(".csv") || file.ends_with(".CSV");
}

/// What is to be summarised: rows of a CSV, or one text.
std::vector<Example> read_dialogues(const std::optional<std::string>& input,
                                    const SummarizeConfig& config) {
  if (input && is_csv(*input)) {
    DataConfig data;
    data.id_column = config.id_column;
    data.dialogue_column = config.dialogue_column;
    return read_examples(*input, data, /*with_summary=*/false);
  }
  std::string text =
      input ? read_file(*input) : std::string(std::istreambuf_iterator<char>(std::cin), {});
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return {{"", std::move(text), ""}};
}

/// What was read before any summary is written.
struct Job {
  ModelFile file;
  std::unique_ptr<BpeTokenizer> tokenizer;
  std::vector<Example> examples;
};

bool is_typed(const CommandLine& line, std::string_view key) {
  return std::ranges::any_of(line.overrides(), [&](const Override& o) { return o.key == key; });
}

/// The model's own settings first; what was typed goes over them.
void settle_generation(const CommandLine& line, const ModelFile& model, SummarizeConfig& config,
                       Log& log) {
  GenerationConfig& generation = config.generation;
  generation = model.generation.value_or(GenerationConfig{});
  load_config(config.sections(), std::nullopt, line.overrides());
  if (generation.num_beams > 1 && generation.samples() &&
      !is_typed(line, "generation.temperature")) {
    log.warn(fmt::format("{}: beams do not sample: its temperature {} is not used", model.where,
                         generation.temperature));
    generation.temperature = 0;
  }
  generation.validate();
}

Job read_job(const World& world, const CommandLine& line, SummarizeConfig& config, Log& log) {
  const auto model = line.value("model");
  if (!model)
    throw ConfigError(
        "no model was named: summarize --model PATH, a .pt checkpoint or a Hugging Face folder");
  if (const auto output = line.value("output"); output && world.is_root())
    check_output_file(*output, "--output");
  Job job{load_model(*model), nullptr, {}};
  for (const std::string& warning : job.file.all_warnings()) log.warn(warning);
  settle_generation(line, job.file, config, log);
  job.tokenizer =
      std::make_unique<BpeTokenizer>(tokenizer_of(job.file, config.tokenizer_dir.value));
  job.tokenizer->fit_to(job.file.shape->vocab_size, job.file.where);
  const auto input = line.value("input");
  const bool from_stdin = !input;
  job.examples =
      from_stdin && !world.is_root() ? std::vector<Example>{} : read_dialogues(input, config);
  return job;
}

/// A row an example for a .csv, else the one text; to --output, or to standard output.
void write_summaries(const CommandLine& line, std::span<const Example> examples,
                     std::span<const std::string> summaries) {
  const auto input = line.value("input"), output = line.value("output");
  const bool table = input && is_csv(*input);
  const std::string text = table ? submission_csv(examples, summaries) : summaries.front() + "\n";
  if (output)
    write_file(*output, text);
  else
    std::fwrite(text.data(), 1, text.size(), stdout);
}

/// What was typed and has no effect; the model's own settings are no wish of the user's.
std::vector<IdleKey> idle_overrides(const CommandLine& line, const SummarizeConfig& config) {
  std::vector<IdleKey> idle = config.generation.idle_keys();
  const auto input = line.value("input");
  if (!input || !is_csv(*input))
    for (const char* key : {"data.id_column", "data.dialogue_column"})
      idle.push_back({key, "the input is no .csv file"});
  std::erase_if(idle, [&](const IdleKey& each) { return !is_typed(line, each.key); });
  return idle;
}

}  // namespace

Sections SummarizeConfig::sections() {
  return {
      {"generation", generation.fields()},
      {"tokenizer",
       {{"dir", &tokenizer_dir,
         "folder with vocab.json and merges.txt, or tokenizer.json, for a model that has none with "
         "it"}}},
      {"run",
       {{"device",
         &device,
         "auto (a GPU where there is one), cuda or cpu",
         {.choices = {"auto", "cuda", "cpu"}}}}},
      {"data",
       {{"id_column", &id_column, "name of the column with the row's id"},
        {"dialogue_column", &dialogue_column, "name of the column with the dialogue"}}},
  };
}

ExitCode summarize(World& world, const CommandLine& line, SummarizeConfig& config) {
  Log log(world.is_root());
  Job job;
  world.together([&] { job = read_job(world, line, config, log); });
  for (const std::string& idle : idle_lines(idle_overrides(line, config))) log.warn(idle);
  if (!line.value("input") && world.size() > 1) {  // only the root has a standard input
    job.examples.resize(1);
    job.examples[0].dialogue =
        world.broadcast(world.is_root() ? job.examples[0].dialogue : std::string());
  }
  RunConfig run;
  run.run.device = config.device;
  run.run.stages = {"predict"};
  run.generation.dtype = config.generation.dtype;
  const DeviceSetup setup = set_up_device(world, run, log);
  if (setup.spare) {
    world.wait_as_spare();
    return ExitCode::kDone;
  }
  const auto route = check_device(world, setup, ops::SelfTest::kShort, log);
  const ParameterTable table = job.file.table();
  const auto model = job.file.shape->make_model(table, setup.device);
  const InferenceModel inference(
      *model, make_weights(table, job.file.flat.to(setup.device), setup.generation_dtype),
      setup.generation_form);
  const SummaryPrompt prompt(job.file.prompt.value_or(PromptConfig{}), *job.tokenizer);
  const Summarizer summarizer(
      {inference, *job.file.shape, prompt, *job.tokenizer, world, job.file.end_tokens});
  const std::vector<std::string> summaries =
      summarizer.summaries(job.examples, config.generation).value();  // nobody asks to stop
  if (const std::string warning = empty_summaries_warning(summaries); !warning.empty())
    log.warn(warning);
  world.together([&] {
    if (world.is_root()) write_summaries(line, job.examples, summaries);
  });
  return ExitCode::kDone;
}

}  // namespace precis
