#include "lib/config/describe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "lib/config/config_file.h"
#include "tests/config/sample_config.h"

namespace precis {
namespace {

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

/// A config that differs from the defaults in every key.
SampleConfig other_config() {
  SampleConfig config;
  config.run = {.out_dir = {"runs/../runs/a b"},
                .test_csv = {"/data/${X}/test.csv"},
                .stages = {"predict"},
                .marker = "say: \"ja\"\n\t#\x01 日\u2028\\",
                .seed = std::numeric_limits<int64_t>::min()};
  config.model = {.dropout = 0.1 + 0.2,
                  .bias = false,
                  .n_layer = 12,
                  .scale = 1e-300,
                  .init_from = {"scratch"}};
  config.train = {.max_iters = 7, .learning_rate = 1.0 / 3, .dtype = "bfloat16", .decay_lr = false};
  return config;
}

TEST(DumpYaml, ComesBackAsItWas) {
  for (const bool comments : {false, true}) {
    SampleConfig config = other_config();
    SampleConfig back;
    const std::string text = dump_yaml(config.sections(), comments);
    const auto set = load_config_text(back.sections(), text, "dump", {});
    EXPECT_EQ(back.run.out_dir.value, absolute("runs/a b"));
    EXPECT_EQ(back.run.test_csv.value, "/data/${X}/test.csv");
    EXPECT_EQ(back.run.stages, config.run.stages);
    EXPECT_EQ(back.run.marker, config.run.marker);
    EXPECT_EQ(back.run.seed, config.run.seed);
    EXPECT_EQ(back.model.dropout, config.model.dropout);
    EXPECT_EQ(back.model.bias, config.model.bias);
    EXPECT_EQ(back.model.n_layer, config.model.n_layer);
    EXPECT_EQ(back.model.scale, config.model.scale);
    EXPECT_EQ(back.model.init_from.value, "scratch");  // a word, no path
    EXPECT_EQ(back.train.max_iters, config.train.max_iters);
    EXPECT_EQ(back.train.learning_rate, config.train.learning_rate);
    EXPECT_EQ(back.train.dtype, config.train.dtype);
    EXPECT_EQ(back.train.decay_lr, config.train.decay_lr);
    EXPECT_EQ(set.size(), 14u);
    EXPECT_EQ(dump_yaml(back.sections(), comments), text);
  }
}

TEST(DumpYaml, HoldsUnsetValues) {
  SampleConfig config;
  SampleConfig back = other_config();
  load_config_text(back.sections(), dump_yaml(config.sections()), "dump", {});
  EXPECT_FALSE(back.model.bias || back.model.n_layer || back.model.scale);
  EXPECT_EQ(back.run.test_csv.value, "");
}

TEST(DumpYaml, LooksLikeThis) {
  SampleConfig config;
  EXPECT_EQ(dump_yaml({{"train", config.train.fields()}}),
            "train:\n"
            "  max_iters: 500\n"
            "  learning_rate: 6.0e-05\n"
            "  dtype: auto\n"
            "  decay_lr: true\n");
  EXPECT_EQ(dump_yaml({{"train", {config.train.fields()[0]}}}, true),
            "train:\n  max_iters: 500  # optimizer steps\n");
}

TEST(HelpTable, ShowsEveryKeyWithinTheWidth) {
  SampleConfig config;
  const std::string text = help_table(config.sections());
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  for (const Section& section : config.sections())
    for (const Field& field : section.fields) {
      EXPECT_NE(text.find("--" + section.name + "." + field.name + " "), std::string::npos)
          << field.name;
      const std::string first_word = field.help.substr(0, field.help.find(' '));
      EXPECT_NE(text.find(first_word), std::string::npos) << field.name;
    }
  EXPECT_NE(
      text.find(
          "\n  --train.max_iters      optimizer steps (integer of at least 0; default 500)\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("  --run.test_csv  rows to predict (path; default not set)\n"),
            std::string::npos)
      << text;
}

TEST(MarkdownTable, IsATableForEachSection) {
  SampleConfig config;
  const std::string text = markdown_table(config.sections());
  EXPECT_TRUE(
      text.starts_with("### run\n\n| key | value | default | meaning |\n|---|---|---|---|\n"))
      << text;
  EXPECT_NE(text.find("\n\n### train\n\n"), std::string::npos);
  EXPECT_NE(text.find("| `max_iters` | integer of at least 0 | 500 | optimizer steps |\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("what to do \\| in this order |\n"), std::string::npos) << text;
}

TEST(Wrap, BreaksAtBlanks) {
  EXPECT_EQ(wrap("one two three", 9, 0), "one two\nthree");
  EXPECT_EQ(wrap("one two three", 9, 2), "one two\n  three");
  EXPECT_EQ(wrap("one two three", 8, 2), "one\n  two\n  three");
  EXPECT_EQ(wrap("incomprehensible x", 5, 2), "incomprehensible\n  x");
  EXPECT_EQ(wrap("", 5, 2), "");
}

}  // namespace
}  // namespace precis
