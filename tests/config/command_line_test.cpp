#include "lib/config/command_line.h"

#include <gtest/gtest.h>

#include "lib/base/errors.h"
#include "tests/config/sample_config.h"

namespace precis {
namespace {

using Texts = std::vector<std::string>;

const ProgramDescription kTrainer = {
    .name = "trainer",
    .usage = "CONFIG [options]",
    .summary = "Trains.",
    .options = {{"check", false, "print the plan and write nothing"},
                {.name = "stages",
                 .takes_value = true,
                 .help = "only these",
                 .value_name = "LIST",
                 .stands_for = "run.stages"},
                {"model", true, "a model"},
                {.name = "input",
                 .takes_value = true,
                 .help = "files to read",
                 .multiple = true,
                 .value_name = "FILE"}},
    .max_positionals = 1};

CommandLine parse(const Texts& words, bool with_sections = true) {
  SampleConfig config;
  std::vector<const char*> argv = {"trainer"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return CommandLine(kTrainer, with_sections ? config.sections() : Sections(),
                     static_cast<int>(argv.size()), argv.data());
}

std::string error_of(const Texts& words, bool with_sections = true) {
  try {
    parse(words, with_sections);
  } catch (const ConfigError& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

/// "key=value" of each override, in their order.
Texts overrides(const Texts& words) {
  Texts out;
  const CommandLine line = parse(words);
  for (const Override& each : line.overrides()) out.push_back(each.key + "=" + each.value);
  return out;
}

TEST(CommandLine, TakesPositionalsOptionsAndOverrides) {
  const CommandLine line =
      parse({"a.yaml", "--check", "--train.max_iters=50", "--model", "m.pt", "--model.dropout=0"});
  EXPECT_EQ(line.positionals(), Texts{"a.yaml"});
  EXPECT_TRUE(line.has("check"));
  EXPECT_FALSE(line.has("stages") || line.has("help") || line.has("version"));
  EXPECT_EQ(line.value("model"), "m.pt");
  EXPECT_EQ(line.value("stages"), std::nullopt);
  EXPECT_EQ(line.value("check"), std::nullopt);
  ASSERT_EQ(line.overrides().size(), 2u);
  EXPECT_EQ(line.overrides()[1].key, "model.dropout");
  EXPECT_EQ(line.overrides()[1].value, "0");
}

TEST(CommandLine, NothingIsFine) {
  const CommandLine line = parse({});
  EXPECT_TRUE(line.positionals().empty() && line.overrides().empty());
  EXPECT_TRUE(CommandLine(kTrainer, {}, 0, nullptr).positionals().empty());
}

TEST(CommandLine, TakesEveryFormOfAnOverride) {
  EXPECT_EQ(overrides({"--train.max_iters=50"}), Texts{"train.max_iters=50"});
  EXPECT_EQ(overrides({"--train.max_iters", "50"}), Texts{"train.max_iters=50"});
  EXPECT_EQ(overrides({"--train.max_iters", "-5"}), Texts{"train.max_iters=-5"});
  EXPECT_EQ(overrides({"--train.max_iters="}), Texts{"train.max_iters="});
  EXPECT_EQ(overrides({"--run.marker", ""}), Texts{"run.marker="});
  EXPECT_EQ(overrides({"--run.marker=--check"}), Texts{"run.marker=--check"});
  EXPECT_EQ(overrides({"--run.marker=a=b c"}), Texts{"run.marker=a=b c"});
  EXPECT_EQ(overrides({"--train.max_iters=1", "--train.max_iters=2"}),
            (Texts{"train.max_iters=1", "train.max_iters=2"}));
}

TEST(CommandLine, TruthsMayStandAlone) {
  EXPECT_EQ(overrides({"--train.decay_lr"}), Texts{"train.decay_lr=true"});
  EXPECT_EQ(overrides({"--train.decay_lr=false"}), Texts{"train.decay_lr=false"});
  EXPECT_EQ(overrides({"--train.decay_lr", "false"}), Texts{"train.decay_lr=false"});
  EXPECT_EQ(overrides({"--model.bias", "--train.decay_lr"}),
            (Texts{"model.bias=true", "train.decay_lr=true"}));
  const CommandLine line = parse({"--train.decay_lr", "a.yaml"});
  EXPECT_EQ(line.positionals(), Texts{"a.yaml"});
}

TEST(CommandLine, OptionsMayStandForKeys) {
  const CommandLine line = parse({"--stages", "train,predict"});
  EXPECT_EQ(line.value("stages"), "train,predict");
  ASSERT_EQ(line.overrides().size(), 1u);
  EXPECT_EQ(line.overrides()[0].key, "run.stages");
  EXPECT_EQ(line.overrides()[0].value, "train,predict");
  EXPECT_EQ(line.overrides()[0].option, "stages");
}

TEST(CommandLine, CollectsSeveralValues) {
  EXPECT_EQ(parse({"--input", "a", "b", "--check"}).values("input"), (Texts{"a", "b"}));
  EXPECT_EQ(parse({"--input=a", "--input", "b", "c"}).values("input"), (Texts{"a", "b", "c"}));
  EXPECT_TRUE(parse({}).values("input").empty());
  const CommandLine line = parse({"--input", "a", "--model", "m", "x.yaml"});  // model takes one
  EXPECT_EQ(line.values("input"), Texts{"a"});
  EXPECT_EQ(line.positionals(), Texts{"x.yaml"});
  EXPECT_EQ(parse({"--model=a", "--model=b"}).value("model"), "b");
}

TEST(CommandLine, DashesAloneArePositional) {
  EXPECT_EQ(parse({"-"}).positionals(), Texts{"-"});
  const CommandLine line = parse({"--check", "--", "--help"});
  EXPECT_EQ(line.positionals(), Texts{"--help"});
  EXPECT_FALSE(line.has("help"));
}

TEST(CommandLine, HelpAndVersionWorkNextToErrors) {
  for (const Texts& words : {Texts{"--help"}, Texts{"-h"}, Texts{"--chekc", "--help"},
                             Texts{"a", "b", "--model", "--help"}}) {
    const CommandLine line = parse(words);
    EXPECT_TRUE(line.has("help"));
    EXPECT_FALSE(line.has("version"));
  }
  EXPECT_TRUE(parse({"--version", "--zzz"}).has("version"));
}

std::string section_names(const Sections& sections) {
  std::string names;
  for (const Section& section : sections) names += section.name + "\n";
  return names;
}

/// What is printed in place of the program's work; "-" if nothing is asked for.
std::string printed(const Texts& words) {
  ProgramDescription program = kTrainer;
  program.options.push_back({.name = "keys", .help = "print keys", .prints = section_names});
  SampleConfig config;
  std::vector<const char*> argv = {"trainer"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  const Texts libraries = {"a library 1.0"};
  testing::internal::CaptureStdout();
  const bool asked = print_information(program, config.sections(), static_cast<int>(argv.size()),
                                       argv.data(), libraries);
  const std::string text = testing::internal::GetCapturedStdout();
  return asked ? text : "-" + text;
}

TEST(Information, IsPrintedWhereverItIsAskedFor) {
  EXPECT_EQ(printed({"--keys"}), section_names(SampleConfig().sections()));
  EXPECT_EQ(printed({"c.yaml", "--keys"}), printed({"--keys"}));
  EXPECT_EQ(printed({"--keys", "c.yaml", "--zzz"}), printed({"--keys"}));
  EXPECT_EQ(printed({"--keys", "c.yaml", "-h"}).find("Usage: trainer"), 0u);
  EXPECT_EQ(printed({"c.yaml", "--help", "--version"}).find("Usage: trainer"), 0u);
  const std::string version = printed({"c.yaml", "--version", "--keys"});
  EXPECT_EQ(version.find("precis "), 0u);
  EXPECT_TRUE(version.ends_with("\na library 1.0\n")) << version;
  EXPECT_EQ(printed({}), "-");
  EXPECT_EQ(printed({"c.yaml", "--check"}), "-");
  EXPECT_EQ(printed({"--", "--keys"}), "-");
}

TEST(CommandLine, RefusesUnknownOptions) {
  EXPECT_EQ(error_of({"--chekc"}), "--chekc: unknown option; did you mean --check?");
  EXPECT_EQ(error_of({"--stage=train"}), "--stage: unknown option; did you mean --stages?");
  EXPECT_EQ(error_of({"--hepl"}), "--hepl: unknown option; did you mean --help?");
  EXPECT_EQ(error_of({"--max_iters=5"}),
            "--max_iters: unknown option; did you mean --train.max_iters?");
  EXPECT_EQ(error_of({"--zzz"}), "--zzz: unknown option");
  EXPECT_EQ(error_of({"-x"}), "-x: unknown option; options begin with two dashes");
  EXPECT_EQ(error_of({"-5"}), "-5: unknown option; options begin with two dashes");
  EXPECT_EQ(error_of({"--che"}),
            "--che: unknown option");  // no abbreviations: they break when options are added
  EXPECT_EQ(error_of({"--train.max_iters=5"}, false), "--train.max_iters: unknown option");
  EXPECT_EQ(error_of({"--="}), "--'': unknown option");
}

TEST(CommandLine, LeavesUnknownKeysToTheConfig) {
  EXPECT_EQ(overrides({"--train.max_iter=5"}), Texts{"train.max_iter=5"});
  EXPECT_EQ(overrides({"--train.max_iter", "5"}), Texts{"train.max_iter=5"});
}

TEST(CommandLine, RefusesMissingAndSuperfluousValues) {
  EXPECT_EQ(error_of({"--model"}), "--model: expected a value, as --model=VALUE");
  EXPECT_EQ(error_of({"--model", "--check"}), "--model: expected a value, as --model=VALUE");
  EXPECT_EQ(error_of({"--train.max_iters"}),
            "--train.max_iters: expected a value, as --train.max_iters=VALUE");
  EXPECT_EQ(error_of({"--train.max_iters", "--check"}),
            "--train.max_iters: expected a value, as --train.max_iters=VALUE");
  EXPECT_EQ(error_of({"--check=yes"}), "--check: expected no value, got 'yes'");
  EXPECT_EQ(error_of({"--check="}), "--check: expected no value, got ''");
  EXPECT_EQ(error_of({"a", "b"}),
            "'b': one argument too many; the usage is trainer CONFIG [options]");
}

TEST(CommandLine, ReportsAllErrors) {
  EXPECT_EQ(error_of({"--chekc", "--model", "--stage", "train"}),
            "--chekc: unknown option; did you mean --check?\n"
            "--model: expected a value, as --model=VALUE\n"
            "--stage: unknown option; did you mean --stages?");
}

TEST(UsageText, NamesEveryOptionAndKey) {
  SampleConfig config;
  const std::string text = usage_text(kTrainer, config.sections());
  EXPECT_TRUE(text.starts_with("Usage: trainer CONFIG [options]\nTrains.\n")) << text;
  for (const char* part :
       {"  --check          print the plan and write nothing\n", "  --stages LIST    only these\n",
        "  --input FILE...  files to read\n", "  --help           show this text\n", "  --version ",
        "--train.max_iters", "optimizer steps (integer of at least 0; default 500)"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in\n" << text;
  EXPECT_EQ(usage_text(kTrainer, {}).find("Config"), std::string::npos);
}

}  // namespace
}  // namespace precis
