// convert: a .pt checkpoint to a Hugging Face GPT-2 folder, and back.
#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "lib/base/errors.h"
#include "lib/base/log.h"
#include "lib/base/output_target.h"
#include "lib/config/command_line.h"
#include "lib/config/main.h"
#include "lib/programs/convert.h"
#include "lib/programs/program.h"

namespace {

using namespace precis;

const ProgramDescription kConvert{
    .name = "convert",
    .usage = "--from PATH --to PATH [options]",
    .summary =
        "Turns a .pt checkpoint into a Hugging Face GPT-2 folder and a folder into a checkpoint, "
        "told apart by what they are; the vocabulary goes along.",
    .options = {{.name = "from",
                 .takes_value = true,
                 .help = "a .pt checkpoint or a folder",
                 .value_name = "PATH"},
                {.name = "to",
                 .takes_value = true,
                 .help = "the folder or .pt file to make",
                 .value_name = "PATH"}},
};

int run(int argc, char** argv) {
  Path tokenizer_dir;
  const Sections sections{{"tokenizer",
                           {{"dir", &tokenizer_dir,
                             "folder with vocab.json and merges.txt, or tokenizer.json, for a "
                             "model that has none with it"}}}};
  if (print_information(kConvert, sections, argc, argv, library_versions())) return 0;
  const CommandLine line(kConvert, sections, argc, argv);
  load_config(sections, std::nullopt, line.overrides());
  const auto from = line.value("from"), to = line.value("to");
  if (!from || !to) throw ConfigError("both ends must be named: convert --from PATH --to PATH");
  Log log;
  const std::string made = convert_model(*from, *to, tokenizer_dir.value, log);
  // Not behind a checkpoint that went to standard output.
  const bool into_stream = find_output(*to).kind == OutputTarget::Kind::kDescriptor;
  fmt::print(into_stream ? stderr : stdout, "{}\n", made);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_main("convert", argc, argv, run);
}
