// rouge: scores a CSV of predictions against a CSV of references, joined by id.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "lib/base/cores.h"
#include "lib/base/errors.h"
#include "lib/config/command_line.h"
#include "lib/config/main.h"
#include "lib/tools/rouge.h"

namespace {

using namespace precis;

ProgramDescription describe_program() {
  ProgramDescription program;
  program.name = "rouge";
  program.usage = "--references FILE --predictions FILE [options]";
  program.summary =
      "Scores summaries with ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum and prints one JSON object. "
      "Both files are CSV with the columns id and summary. Several reference rows of one id are "
      "several references: the one with the best F measure counts, for each type on its own.";
  program.options = {
      {.name = "references",
       .takes_value = true,
       .help = "CSV of id,summary: what is right",
       .value_name = "FILE"},
      {.name = "predictions",
       .takes_value = true,
       .help = "CSV of id,summary: what is scored",
       .value_name = "FILE"},
      {.name = "per-example",
       .takes_value = true,
       .help = "write each id's F measures as CSV",
       .value_name = "FILE"},
      {.name = "no-stemmer", .help = "compare whole words, not their Porter stems"},
      {.name = "allow-missing",
       .help = "score the ids that both files have; without it, ids on one side only are an error"},
      {.name = "confidence",
       .help = "add low and high, the means' 95 % confidence by bootstrap (1,000 resamples) as "
               "rouge_score computes it"},
  };
  return program;
}

/// The value of an option that names a file; empty where it is not given.
std::string file_option(const CommandLine& line, const std::string& name, bool required) {
  const std::vector<std::string> values = line.values(name);
  if (values.size() > 1)
    throw ConfigError(fmt::format("--{} is given {} times; give one file", name, values.size()));
  if (values.empty() && !required) return "";
  if (values.empty() || values[0].empty())
    throw ConfigError(fmt::format("--{} FILE is missing; see rouge --help", name));
  return values[0];
}

int run(int argc, char** argv) {
  const ProgramDescription program = describe_program();
  if (print_information(program, {}, argc, argv)) return 0;
  const CommandLine line(program, {}, argc, argv);
  const RougeRequest request{.references = file_option(line, "references", true),
                             .predictions = file_option(line, "predictions", true),
                             .per_example = file_option(line, "per-example", false),
                             .stemmer = !line.has("no-stemmer"),
                             .allow_missing = line.has("allow-missing"),
                             .confidence = line.has("confidence"),
                             .num_threads = cores_of(0)};
  const auto warn = [](const std::string& text) {
    fmt::print(stderr, "rouge: warning: {}\n", text);
  };
  fmt::print("{}\n", score_files(request, warn));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_main("rouge", argc, argv, run);
}
