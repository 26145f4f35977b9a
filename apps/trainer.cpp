// trainer: fine-tunes GPT-2 on dialogue summarisation, scores it and writes predictions.
#include "lib/run/trainer.h"

#include <exception>

#include "lib/comm/world.h"
#include "lib/config/command_line.h"
#include "lib/config/describe.h"
#include "lib/config/main.h"
#include "lib/programs/program.h"
#include "lib/run/run_config.h"
#include "lib/run/stop_signal.h"

namespace {

using namespace precis;

const ProgramDescription kTrainer{
    .name = "trainer",
    .usage = "CONFIG [options]",
    .summary =
        "Fine-tunes GPT-2 on dialogue summarisation: trains, evaluates with ROUGE, predicts. Under "
        "mpirun: one rank per GPU.",
    .options = {{.name = "check",
                 .takes_value = false,
                 .help = "check config and inputs, print the plan, write nothing"},
                {.name = "keys",
                 .takes_value = false,
                 .help = "print all config keys as Markdown tables",
                 .prints = markdown_table},
                {.name = "stages",
                 .takes_value = true,
                 .help = "only these stages, as evaluate,predict",
                 .value_name = "LIST",
                 .stands_for = "run.stages"}},
    .max_positionals = 1,
};

int run(int argc, char** argv) {
  RunConfig config;
  const Sections sections = config.sections();
  if (print_information(kTrainer, sections, argc, argv, library_versions())) return 0;
  note_stop_signals();
  bool check = false;
  std::exception_ptr wrong;
  try {
    const CommandLine line(kTrainer, sections, argc, argv);
    if (line.positionals().empty())
      throw ConfigError("no config was named: trainer CONFIG, as in trainer configs/kaggle.yaml");
    config.load(line.positionals().front(), line.overrides());
    check = line.has("check");
  } catch (...) {  // to be told once by all ranks together
    wrong = std::current_exception();
  }
  const auto work = [&](World& world) {
    world.together([&] {
      if (wrong) std::rethrow_exception(wrong);
    });
    if (!check) return run_trainer(world, config);
    check_trainer(world, config);
    return ExitCode::kDone;
  };
  return with_world("trainer", work, config.comm.timeout_seconds);
}

}  // namespace

int main(int argc, char** argv) {
  return run_main("trainer", argc, argv, run);
}
