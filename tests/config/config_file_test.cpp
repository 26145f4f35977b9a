#include "lib/config/config_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "tests/config/sample_config.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

/// The message of the ConfigError, with the words no user should meet ruled out.
std::string error_of(const std::string& yaml, const std::vector<Override>& overrides = {}) {
  SampleConfig config;
  try {
    load_config_text(config.sections(), yaml, "x.yaml", overrides);
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find("yaml-cpp"), std::string::npos) << message;
    EXPECT_EQ(message.find("YAML::"), std::string::npos) << message;
    return message;
  }
  ADD_FAILURE() << "nothing was thrown for\n" << yaml;
  return "";
}

std::set<std::string> load(SampleConfig& config, const std::string& yaml,
                           const std::vector<Override>& overrides = {}) {
  return load_config_text(config.sections(), yaml, "x.yaml", overrides);
}

TEST(LoadConfig, ReadsEveryType) {
  SampleConfig config;
  const auto set = load(config,
                        "run:\n"
                        "  out_dir: runs/a\n"
                        "  stages: [train, predict]\n"
                        "  marker: \"TL;DR:\\n\"\n"
                        "model:\n"
                        "  bias: false\n"
                        "  n_layer: 12\n"
                        "  scale: 0.5\n"
                        "train:\n"
                        "  max_iters: 7\n"
                        "  learning_rate: 1e-3\n"
                        "  dtype: bfloat16\n"
                        "  decay_lr: false\n");
  EXPECT_EQ(config.run.out_dir.value, "runs/a");
  EXPECT_EQ(config.run.stages, (std::vector<std::string>{"train", "predict"}));
  EXPECT_EQ(config.run.marker, "TL;DR:\n");
  EXPECT_EQ(config.model.bias, false);
  EXPECT_EQ(config.model.n_layer, 12);
  EXPECT_EQ(config.model.scale, 0.5);
  EXPECT_EQ(config.train.max_iters, 7);
  EXPECT_EQ(config.train.learning_rate, 1e-3);
  EXPECT_EQ(config.train.dtype, "bfloat16");
  EXPECT_FALSE(config.train.decay_lr);
  EXPECT_EQ(set, (std::set<std::string>{"run.out_dir", "run.stages", "run.marker", "model.bias",
                                        "model.n_layer", "model.scale", "train.max_iters",
                                        "train.learning_rate", "train.dtype", "train.decay_lr"}));
}

TEST(LoadConfig, DefaultsThenYamlThenCommandLine) {
  SampleConfig config;
  const auto set =
      load(config, "train:\n  max_iters: 7\n  learning_rate: 0.5\n",
           {{"train.max_iters", "8"}, {"train.max_iters", "9"}, {"model.dropout", "0"}});
  EXPECT_EQ(config.train.max_iters, 9);  // the last override counts
  EXPECT_EQ(config.train.learning_rate, 0.5);
  EXPECT_EQ(config.model.dropout, 0);
  EXPECT_EQ(config.train.dtype, "auto");
  EXPECT_EQ(set,
            (std::set<std::string>{"train.max_iters", "train.learning_rate", "model.dropout"}));
}

TEST(LoadConfig, AKeySetToItsDefaultIsExplicit) {
  SampleConfig config;
  EXPECT_EQ(load(config, "train:\n  max_iters: 500\n", {{"model.dropout", "0.1"}}),
            (std::set<std::string>{"train.max_iters", "model.dropout"}));
}

TEST(LoadConfig, EmptyFilesAndSectionsAreDefaults) {
  for (const char* yaml : {"", "\n\n", "# only a comment\n", "---\n", "train:\n",
                           "train:\n  # max_iters: 5\nmodel: {}\n", "\xEF\xBB\xBF", "null\n"}) {
    SampleConfig config;
    EXPECT_TRUE(load(config, yaml).empty()) << yaml;
    EXPECT_EQ(config.train.max_iters, 500);
  }
}

TEST(LoadConfig, TakesOtherWaysToWriteIt) {
  for (const char* yaml : {"{train: {max_iters: 7}, model: {n_layer: 3}}",
                           "train:\r\n  max_iters: 7\r\nmodel:\r\n  n_layer: 3\r\n",
                           "\xEF\xBB\xBFtrain:\n  max_iters: 7\nmodel:\n  n_layer: 3\n",
                           "---\ntrain:\n  \"max_iters\": '7'\nmodel:\n  n_layer: 3\n...\n",
                           "train:\n  max_iters: &n 7\nmodel:\n  n_layer: 3\nrun:\n  seed: *n\n",
                           "{\"train\": {\"max_iters\": 7}, \"model\": {\"n_layer\": 3}}"}) {
    SampleConfig config;
    load(config, yaml);
    EXPECT_EQ(config.train.max_iters, 7) << yaml;
    EXPECT_EQ(config.model.n_layer, 3) << yaml;
    EXPECT_EQ(config.run.seed, std::string(yaml).find('*') != std::string::npos ? 7 : 1);
  }
}

TEST(LoadConfig, NullUnsetsOptionalsAndPaths) {
  SampleConfig config;
  config.model.n_layer = 3;
  config.model.bias = true;
  config.run.test_csv = {"a.csv"};
  const auto set = load(config, "model:\n  n_layer: null\n  bias: ~\nrun:\n  test_csv:\n", {});
  EXPECT_FALSE(config.model.n_layer || config.model.bias);
  EXPECT_EQ(config.run.test_csv.value, "");
  EXPECT_EQ(set.size(), 3u);
  config.model.n_layer = 3;
  load(config, "", {{"model.n_layer", "null"}});
  EXPECT_FALSE(config.model.n_layer);
}

TEST(LoadConfig, ListsMayBeCommaSeparated) {
  SampleConfig config;
  load(config, "run:\n  stages: train, predict\n");
  EXPECT_EQ(config.run.stages, (std::vector<std::string>{"train", "predict"}));
  load(config, "", {{"run.stages", "evaluate"}});
  EXPECT_EQ(config.run.stages, std::vector<std::string>{"evaluate"});
  load(config, "run:\n  stages: []\n");
  EXPECT_TRUE(config.run.stages.empty());
}

TEST(LoadConfig, ExpandsVariablesInPathsOnly) {
  ::setenv("PRECIS_TEST_FOLDER", "/data", 1);
  SampleConfig config;
  load(config, "run:\n  out_dir: ${PRECIS_TEST_FOLDER}/out\n  marker: ${PRECIS_TEST_FOLDER}\n",
       {{"run.test_csv", "${PRECIS_TEST_FOLDER}/test.csv"}});
  EXPECT_EQ(config.run.out_dir.value, "/data/out");
  EXPECT_EQ(config.run.test_csv.value, "/data/test.csv");
  EXPECT_EQ(config.run.marker, "${PRECIS_TEST_FOLDER}");
  ::unsetenv("PRECIS_TEST_MISSING");
  EXPECT_EQ(error_of("run:\n  out_dir: ${PRECIS_TEST_MISSING}/out\n"),
            "x.yaml:2: run.out_dir: expected a path, got '${PRECIS_TEST_MISSING}/out', and the "
            "environment has no "
            "variable 'PRECIS_TEST_MISSING'");
}

struct ErrorCase {
  const char* yaml;
  const char* message;
};

class ConfigErrors : public testing::TestWithParam<ErrorCase> {};

TEST_P(ConfigErrors, SayWhereAndWhat) {
  EXPECT_EQ(error_of(GetParam().yaml), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Names, ConfigErrors,
    testing::Values(
        ErrorCase{"train:\n  learning_rte: 1\n",
                  "x.yaml:2: train.learning_rte: unknown key; did you mean learning_rate?"},
        ErrorCase{"model:\n  learning_rate: 1\n",
                  "x.yaml:2: model.learning_rate: unknown key; did you mean train.learning_rate?"},
        ErrorCase{"model:\n  max_iter: 1\n",
                  "x.yaml:2: model.max_iter: unknown key; did you mean train.max_iters?"},
        ErrorCase{"train:\n\n  # x\n  temperature: 1\n",
                  "x.yaml:4: train.temperature: unknown key"},
        ErrorCase{"train:\n  <<: 1\n", "x.yaml:2: train.<<: unknown key"},
        ErrorCase{"train:\n  \"a\\nb\": 1\n", "x.yaml:2: 'train.a\\nb': unknown key"},
        ErrorCase{"trian:\n  max_iters: 1\n",
                  "x.yaml:1: trian: unknown section; did you mean train?"},
        ErrorCase{"max_iters: 1\n",
                  "x.yaml:1: max_iters: unknown section; did you mean the key max_iters of the "
                  "section train?"},
        ErrorCase{"train.max_iters: 1\n",
                  "x.yaml:1: train.max_iters: unknown section; did you mean the key max_iters of "
                  "the section train?"},
        ErrorCase{"zzz: 1\n", "x.yaml:1: zzz: unknown section"},
        ErrorCase{"train:\n  max_iters: 1\n  max_iters: 2\n",
                  "x.yaml:3: train.max_iters: this is there twice, first in line 2"},
        ErrorCase{"train:\n  max_iters: 1\nmodel:\n  bias: true\ntrain:\n  dtype: auto\n",
                  "x.yaml:5: train: this is there twice, first in line 1"}));

INSTANTIATE_TEST_SUITE_P(
    Values, ConfigErrors,
    testing::Values(
        ErrorCase{"train:\n  learning_rate: fast\n",
                  "x.yaml:2: train.learning_rate: expected a number above 0, got 'fast'"},
        ErrorCase{"train:\n  learning_rate: .nan\n",
                  "x.yaml:2: train.learning_rate: expected a number above 0, got '.nan'"},
        ErrorCase{"train:\n  max_iters: 1.5\n",
                  "x.yaml:2: train.max_iters: expected an integer of at least 0, got '1.5'"},
        ErrorCase{"train:\n  max_iters: 99999999999999999999\n",
                  "x.yaml:2: train.max_iters: expected an integer of at least 0, got "
                  "'99999999999999999999', which 64 bits "
                  "do not hold"},
        ErrorCase{"train:\n  max_iters: -3\n",
                  "x.yaml:2: train.max_iters: expected an integer of at least 0, got '-3'"},
        ErrorCase{"train:\n  max_iters:\n",
                  "x.yaml:2: train.max_iters: expected an integer of at least 0, got nothing"},
        ErrorCase{"train:\n  max_iters: [1]\n",
                  "x.yaml:2: train.max_iters: expected an integer of at least 0, got a list"},
        ErrorCase{"train:\n  max_iters:\n    a: 1\n",
                  "x.yaml:2: train.max_iters: expected an integer of at least 0, got keys with "
                  "values of their own"},
        ErrorCase{"train:\n  decay_lr: yes\n",
                  "x.yaml:2: train.decay_lr: expected true or false, got 'yes'"},
        ErrorCase{"train:\n  dtype: float17\n",
                  "x.yaml:2: train.dtype: expected one of auto, float32, bfloat16, float16, got "
                  "'float17'; did you mean "
                  "float16?"},
        ErrorCase{"run:\n  marker: null\n", "x.yaml:2: run.marker: expected text, got nothing"},
        ErrorCase{"run:\n  stages:\n  - train\n  - predikt\n",
                  "x.yaml:2: run.stages: expected a list of train, evaluate, predict, got "
                  "'predikt'; did you mean predict?"},
        ErrorCase{"run:\n  stages: [train, [predict]]\n",
                  "x.yaml:2: run.stages: expected a list of train, evaluate, predict, got a list "
                  "in a list"},
        ErrorCase{"run:\n  stages: [train, ]\n  seed: x\n",
                  "x.yaml:3: run.seed: expected an integer, got 'x'"},
        ErrorCase{"run:\n  stages: [train, ~]\n",
                  "x.yaml:2: run.stages: expected a list of train, evaluate, predict, got nothing "
                  "in a list"}));

INSTANTIATE_TEST_SUITE_P(
    Shapes, ConfigErrors,
    testing::Values(
        ErrorCase{
            "- a\n- b\n",
            "x.yaml:1: expected sections (section:) with keys (key: value) below them, got a list"},
        ErrorCase{"\nhello\n",
                  "x.yaml:2: expected sections (section:) with keys (key: value) below them, got "
                  "'hello'"},
        ErrorCase{"train: 5\n",
                  "x.yaml:1: train: expected keys (key: value) below the section, got '5'"},
        ErrorCase{"train:\n- max_iters\n",
                  "x.yaml:1: train: expected keys (key: value) below the section, got a list"},
        ErrorCase{"? [a]\n: 5\n", "x.yaml:1: expected the name of a section, got a list"},
        ErrorCase{"train:\n  ? {a: b}\n  : 5\n",
                  "x.yaml:2: train: expected a key, got keys with values of their own"},
        ErrorCase{"train:\n  ~: 5\n", "x.yaml:2: train: expected a key, got nothing"}));

TEST(LoadConfig, ReportsAllErrorsInOrder) {
  EXPECT_EQ(error_of("train:\n  max_iters: -3\nmodl:\n  x: 1\nmodel:\n  dropout: 1.5\n",
                     {{"train.max_iter", "5"}, {"train.dtype", "float17"}}),
            "x.yaml:2: train.max_iters: expected an integer of at least 0, got '-3'\n"
            "x.yaml:3: modl: unknown section; did you mean model?\n"
            "x.yaml:6: model.dropout: expected a number of at least 0 and below 1, got '1.5'\n"
            "--train.max_iter: unknown key; did you mean train.max_iters?\n"
            "--train.dtype: expected one of auto, float32, bfloat16, float16, got 'float17'; did "
            "you mean float16?");
}

TEST(LoadConfig, ManyErrorsAreCutShort) {
  std::string yaml = "train:\n";
  for (int i = 0; i < 100; ++i) yaml += "  zzz" + std::to_string(i) + ": 1\n";
  const std::string message = error_of(yaml);
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 12);
  EXPECT_TRUE(message.ends_with("\nand 88 more")) << message;
}

TEST(LoadConfig, JudgesOverridesNextToBrokenYaml) {
  const std::string message = error_of("train:\n  max_iters: [1\n", {{"train.max_iters", "x"}});
  EXPECT_EQ(
      message,
      "x.yaml:3: column 1: not valid YAML: a list that was opened with [ is not closed with ]\n"
      "--train.max_iters: expected an integer of at least 0, got 'x'");
}

TEST(LoadConfig, OverrideErrorsOfferTheNearestName) {
  EXPECT_EQ(error_of("", {{"trian.max_iters", "5"}}),
            "--trian.max_iters: unknown key; did you mean train.max_iters?");
  EXPECT_EQ(error_of("", {{"trian.max_iter", "5"}}),
            "--trian.max_iter: unknown key; did you mean train.max_iters?");
  EXPECT_EQ(error_of("", {{"model.max_iters", "5"}}),
            "--model.max_iters: unknown key; did you mean train.max_iters?");
  EXPECT_EQ(error_of("", {{"max_iters", "5"}}),
            "--max_iters: unknown key; did you mean train.max_iters?");
  EXPECT_EQ(error_of("", {{"train.", "5"}}), "--train.: unknown key");
  EXPECT_EQ(error_of("", {{"zzz.zzz", "5"}}), "--zzz.zzz: unknown key");
  EXPECT_EQ(error_of("", {{"run.stages", "predikt", "stages"}}),
            "--stages: expected a list of train, evaluate, predict, got 'predikt'; did you mean "
            "predict?");
  EXPECT_EQ(error_of("", {{"train.max_iters", ""}}),
            "--train.max_iters: expected an integer of at least 0, got ''");
  EXPECT_EQ(error_of("", {{"train.learning_rate", "nan"}}),
            "--train.learning_rate: expected a number above 0, got 'nan'");
}

class ConfigFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "precis-config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string error_of_file(const fs::path& path) {
    SampleConfig config;
    try {
      load_config(config.sections(), path, {});
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.code(), ExitCode::kConfig);
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  fs::path folder_;
};

TEST_F(ConfigFiles, AreRead) {
  write_file(folder_ / "a.yaml", "train:\n  max_iters: 7\n");
  SampleConfig config;
  EXPECT_EQ(load_config(config.sections(), folder_ / "a.yaml", {}),
            std::set<std::string>{"train.max_iters"});
  EXPECT_EQ(config.train.max_iters, 7);
  const std::vector<Override> overrides = {{"train.max_iters", "8"}};
  EXPECT_EQ(load_config(config.sections(), std::nullopt, overrides),
            std::set<std::string>{"train.max_iters"});
  EXPECT_EQ(config.train.max_iters, 8);
}

TEST_F(ConfigFiles, ErrorsNameTheFileAsGiven) {
  write_file(folder_ / "a.yaml", "train:\n  max_iter: 7\n");
  EXPECT_EQ(
      error_of_file(folder_ / "a.yaml"),
      (folder_ / "a.yaml").string() + ":2: train.max_iter: unknown key; did you mean max_iters?");
}

TEST_F(ConfigFiles, MissingOnesAreNamedWithTheirAbsolutePath) {
  EXPECT_EQ(error_of_file("no-such-folder/none.yaml"),
            (fs::current_path() / "no-such-folder/none.yaml").string() + ": there is no such file");
  EXPECT_EQ(error_of_file(folder_), folder_.string() + ": expected a YAML file, got a folder");
  EXPECT_EQ(error_of_file(""), "config: expected the name of a YAML file, got an empty name");
}

TEST_F(ConfigFiles, OtherFilesAreRefused) {
  const std::string file = (folder_ / "a.yaml").string();
  write_file(file, "train:\n  dtype: caf\xE9\n");
  EXPECT_EQ(error_of_file(file), file + ":2: not valid YAML: not UTF-8 (byte 0xe9)");
  write_file(file, std::string("train:\n  dtype: a\0b\n", 20));
  EXPECT_EQ(error_of_file(file), file + ":2: not valid YAML: not a text file (byte 0x00)");
  write_file(file, std::string((size_t{1} << 20) + 1, '#'));
  EXPECT_EQ(error_of_file(file),
            file + ": expected a config of at most 1 MiB; is this another file?");
}

}  // namespace
}  // namespace precis
