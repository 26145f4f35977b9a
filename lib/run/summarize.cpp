#include "lib/run/summarize.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <iterator>

#include "lib/base/files.h"
#include "lib/base/log.h"
#include "lib/eval/evaluation.h"
#include "lib/eval/summarizer.h"
#include "lib/run/device_setup.h"
#include "lib/run/model_file.h"
#include "lib/train/flat_parameters.h"

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

Job read_job(const World& world, const CommandLine& line, SummarizeConfig& config) {
  const auto model = line.value("model");
  if (!model)
    throw ConfigError(
        "no model was named: summarize --model PATH, a .pt checkpoint or a Hugging Face folder");
  Job job{load_model(*model), nullptr, {}};
  // The model's own settings first; what was typed goes over them.
  config.generation = job.file.generation.value_or(GenerationConfig{});
  load_config(config.sections(), std::nullopt, line.overrides());
  const bool temperature_typed = std::ranges::any_of(
      line.overrides(), [](const Override& o) { return o.key == "generation.temperature"; });
  if (config.generation.num_beams > 1 && !temperature_typed)
    config.generation.temperature = 0;  // beams do not sample, whatever the model's settings say
  config.generation.validate();
  job.tokenizer =
      std::make_unique<BpeTokenizer>(tokenizer_of(job.file, config.tokenizer_dir.value));
  job.tokenizer->fit_to(job.file.shape.vocab_size, job.file.where);
  const auto input = line.value("input");
  const bool from_stdin = !input;
  job.examples =
      from_stdin && !world.is_root() ? std::vector<Example>{} : read_dialogues(input, config);
  return job;
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
  world.together([&] { job = read_job(world, line, config); });
  const auto input = line.value("input"), output = line.value("output");
  if (!input && world.size() > 1) {  // only the root has a standard input
    job.examples.resize(1);
    job.examples[0].dialogue =
        world.broadcast(world.is_root() ? job.examples[0].dialogue : std::string());
  }
  RunConfig run;
  run.run.device = config.device;
  const DeviceSetup setup = set_up_device(world, run, log);
  if (setup.spare) {
    world.wait_as_spare();
    return ExitCode::kDone;
  }
  const ParameterLayout layout = job.file.layout();
  Gpt model(layout, setup.device);
  const GptWeights weights =
      make_weights(layout, job.file.flat.to(setup.device), parse_dtype(config.generation.dtype));
  const SummaryPrompt prompt(job.file.prompt.value_or(PromptConfig{}), *job.tokenizer);
  Summarizer summarizer({model, prompt, *job.tokenizer, world});
  std::vector<std::string> summaries;
  world.together(
      [&] { summaries = summarizer.summaries(job.examples, weights, config.generation); });
  if (!world.is_root()) return ExitCode::kDone;
  const bool table = input && is_csv(*input);
  const std::string text =
      table ? submission_csv(job.examples, summaries) : summaries.front() + "\n";
  if (output)
    write_file(*output, text);
  else
    std::fwrite(text.data(), 1, text.size(), stdout);
  return ExitCode::kDone;
}

}  // namespace precis
