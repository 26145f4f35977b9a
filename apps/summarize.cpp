// summarize: writes summaries of dialogues with a trained model.
#include "lib/programs/summarize.h"
#include "lib/config/command_line.h"
#include "lib/config/main.h"
#include "lib/programs/program.h"

namespace {

using namespace precis;

const ProgramDescription kSummarize{
    .name = "summarize",
    .usage = "--model PATH [--input FILE] [--output FILE] [options]",
    .summary =
        "Writes summaries of dialogues. A .csv (id,dialogue) gives id,summary; a text, or standard "
        "input, is one dialogue. Settings: the model's own, then "
        "the command line.",
    .options = {{.name = "model",
                 .takes_value = true,
                 .help = "a .pt checkpoint or a Hugging Face GPT-2 folder",
                 .value_name = "PATH"},
                {.name = "input",
                 .takes_value = true,
                 .help = "a .csv or a text file (default: standard input)",
                 .value_name = "FILE"},
                {.name = "output",
                 .takes_value = true,
                 .help = "where the summaries go (default: standard output)",
                 .value_name = "FILE"}},
};

int run(int argc, char** argv) {
  SummarizeConfig config;
  const Sections sections = config.sections();
  if (print_information(kSummarize, sections, argc, argv, library_versions())) return 0;
  return with_world("summarize", [&](World& world) {
    std::unique_ptr<CommandLine> line;
    world.together([&] {
      line = std::make_unique<CommandLine>(kSummarize, sections, argc, argv);
      load_config(sections, std::nullopt, line->overrides());
    });
    return summarize(world, *line, config);
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_main("summarize", argc, argv, run);
}
