// bench: the project's benchmarks, one JSON line each.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "lib/config/command_line.h"
#include "lib/config/main.h"
#include "lib/programs/bench.h"
#include "lib/programs/program.h"

namespace {

using namespace precis;

int run(int argc, char** argv) {
  BenchSettings settings;
  const Sections sections{{"bench", settings.fields()}};
  const std::vector<Benchmark> all = benchmarks();
  std::string names;
  for (const Benchmark& benchmark : all)
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", benchmark.name, benchmark.help);
  const ProgramDescription program{.name = "bench",
                                   .usage = "[NAME...] [options]",
                                   .summary = "Benchmarks on made-up data, one JSON line each: " +
                                              names + ". Without names: all.",
                                   .options = {},
                                   .max_positionals = all.size()};
  if (print_information(program, sections, argc, argv, library_versions())) return 0;
  return with_world("bench", [&](World& world) {
    std::vector<std::string> wanted;
    world.together([&] {
      const CommandLine line(program, sections, argc, argv);
      load_config(sections, std::nullopt, line.overrides());
      wanted = line.positionals();
      for (const std::string& name : wanted)
        if (std::ranges::none_of(all, [&](const Benchmark& b) { return b.name == name; }))
          throw ConfigError(fmt::format("there is no benchmark {}; there are {}", name, names));
    });
    return run_benchmarks(world, settings, wanted);
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_main("bench", argc, argv, run);
}
