// The program rouge as a user runs it: what it prints and writes, and how it ends.
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "lib/formats/csv.h"
#include "lib/tools/rouge.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Result {
  int code;
  std::string out;
  std::string err;
};

class RougeProgram : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("precis_rouge_test_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }

  /// Runs the program in the folder.
  Result run(const std::string& arguments) {
    const std::string line =
        "cd '" + folder_.string() + "' && '" PRECIS_ROUGE "' " + arguments + " >out 2>err";
    const int status = std::system(line.c_str());
    return {WEXITSTATUS(status), content_of(folder_ / "out"), content_of(folder_ / "err")};
  }

  /// Expects this exit code, nothing on stdout, and one message that holds the words.
  void expect_failure(const std::string& arguments, int code,
                      const std::vector<std::string>& words) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, code) << arguments << '\n' << result.err;
    EXPECT_EQ(result.out, "") << arguments;
    for (const std::string& word : words)
      EXPECT_NE(result.err.find(word), result.err.npos) << word << '\n' << result.err;
    EXPECT_EQ(result.err.find("boost"), result.err.npos) << result.err;
  }

  fs::path folder_;
};

constexpr const char* kBoth = "--references a.csv --predictions b.csv ";

TEST_F(RougeProgram, JoinsByIdAndTakesTheBestReference) {
  write("a.csv", "summary,id\nthe cat runs,07\nno,x\n\"cats, running\",07\n");
  write("b.csv", "id,summary\nx,yes\n07,cat run\n");
  const Result result = run(std::string(kBoth) + "--per-example c.csv");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json.at("num_examples"), 2);
  EXPECT_DOUBLE_EQ(json.at("rouge1").at("precision").get<double>(), 0.5);
  EXPECT_EQ(json.at("rougeLsum").size(), 3U);
  const CsvTable each = read_csv(folder_ / "c.csv");
  EXPECT_EQ(each.header,
            (std::vector<std::string>{"id", "rouge1", "rouge2", "rougeL", "rougeLsum"}));
  EXPECT_EQ(each.rows.at(0), (std::vector<std::string>{"x", "0", "0", "0", "0"}));
  EXPECT_EQ(each.rows.at(1), (std::vector<std::string>{"07", "1", "1", "1", "1"}));
}

TEST_F(RougeProgram, StemmerCanBeTurnedOff) {
  write("a.csv", "id,summary\n1,cats\n");
  write("b.csv", "id,summary\n1,cat\n");
  EXPECT_EQ(nlohmann::json::parse(run(kBoth).out).at("rouge1").at("fmeasure"), 1);
  const auto plain = nlohmann::json::parse(run(std::string(kBoth) + "--no-stemmer").out);
  EXPECT_EQ(plain.at("rouge1").at("fmeasure"), 0);
}

TEST_F(RougeProgram, ConfidenceEnclosesTheMean) {
  write("a.csv", "id,summary\n1,a b\n2,a b\n3,a b\n4,a b\n");
  write("b.csv", "id,summary\n1,a b\n2,a\n3,b a\n4,x\n");
  const auto score =
      nlohmann::json::parse(run(std::string(kBoth) + "--confidence").out).at("rouge1");
  const double middle = score.at("fmeasure").get<double>();
  EXPECT_LT(score.at("low").at("fmeasure").get<double>(), middle);
  EXPECT_GT(score.at("high").at("fmeasure").get<double>(), middle);
}

TEST_F(RougeProgram, IdsOnOneSideAreAnErrorUnlessAllowed) {
  write("a.csv", "id,summary\n1,a\n2,b\n");
  write("b.csv", "id,summary\n2,b\nextra,c\n");
  expect_failure(kBoth, 3, {"a.csv", "'1'", "b.csv", "'extra'", "--allow-missing"});
  const Result result = run(std::string(kBoth) + "--allow-missing");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(nlohmann::json::parse(result.out).at("num_examples"), 1);
  EXPECT_NE(result.err.find("'extra'"), result.err.npos);
  write("b.csv", "id,summary\nextra,c\n");
  expect_failure(std::string(kBoth) + "--allow-missing", 3, {"no id in common", "'extra'", "'1'"});
}

TEST_F(RougeProgram, BadInputEndsWithThree) {
  write("a.csv", "id,summary\n1,a\n");
  write("b.csv", "id,summary\n1,a\n1,b\n");
  expect_failure(kBoth, 3, {"b.csv", "row 2 (line 3)", "'1'", "line 2"});
  write("b.csv", "id,text\n1,a\n");
  expect_failure(kBoth, 3, {(folder_ / "b.csv").string(), "'summary'", "'text'"});
  write("b.csv", "id,summary\n");
  expect_failure(kBoth, 3, {"b.csv", "no row"});
  expect_failure("--references a.csv --predictions none.csv", 3, {"none.csv"});
}

TEST_F(RougeProgram, WrongUsageEndsWithTwo) {
  write("a.csv", "id,summary\n1,a\n");
  expect_failure("", 2, {"--references"});
  expect_failure("--references a.csv", 2, {"--predictions"});
  expect_failure("--reference a.csv", 2, {"--reference", "--references"});
  expect_failure("--references a.csv --references a.csv --predictions a.csv", 2,
                 {"--references", "2 times"});
  expect_failure("a.csv", 2, {"a.csv"});
}

TEST_F(RougeProgram, HelpAndVersion) {
  const Result help = run("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* word :
       {"--references", "--predictions", "--no-stemmer", "--per-example", "--allow-missing"}) {
    EXPECT_NE(help.out.find(word), help.out.npos) << word;
  }
  EXPECT_EQ(run("--version").out.find("precis "), 0U);
}

/// Each of several threads scores examples of its own, and they stay where they belong.
TEST_F(RougeProgram, ThreadsChangeNothing) {
  std::string references = "id,summary\n", predictions = references;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = std::to_string(i) + ",";
    std::string words = "alpha";
    for (int k = 0; k < i % 17; ++k) words += " beta" + std::to_string(k * i % 5);
    references += id + words + "\n";
    predictions += id + words.substr(0, 5 + words.size() * static_cast<size_t>(i % 7) / 8) + "\n";
  }
  write("a.csv", references);
  write("b.csv", predictions);
  const auto score = [&](int num_threads) {
    const RougeRequest request{.references = folder_ / "a.csv",
                               .predictions = folder_ / "b.csv",
                               .per_example = folder_ / "c.csv",
                               .num_threads = num_threads};
    const std::string means = score_files(request, [](const std::string&) {});
    return means + content_of(folder_ / "c.csv");
  };
  const std::string alone = score(1);
  EXPECT_GT(alone.size(), 5000U);
  for (const int num_threads : {2, 5}) EXPECT_EQ(score(num_threads), alone);
}

}  // namespace
}  // namespace precis
