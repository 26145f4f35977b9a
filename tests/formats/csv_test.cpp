// CSV: what Python's csv module reads and writes, what we refuse, and that writing then reading
// changes nothing.
#include "lib/formats/csv.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/random.h"

namespace precis {
namespace {

using Row = std::vector<std::string>;

nlohmann::json golden() {
  return nlohmann::json::parse(read_file("tests/golden/csv_golden.json"));
}

/// The message of the DataError that `run` throws.
template <typename Run>
std::string message_of(Run run) {
  try {
    run();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of(std::string_view bytes) {
  return message_of([&] { parse_csv(bytes, "/data/x.csv"); });
}

void expect_words(const std::string& message, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    EXPECT_NE(message.find(word), message.npos) << word << " in: " << message;
}

TEST(Csv, ReadsWhatPythonReads) {
  const auto cases = golden().at("reading");
  ASSERT_GE(cases.size(), 400U);
  for (const auto& one : cases) {
    const auto text = one.at("text").get<std::string>();
    auto rows = one.at("rows").get<std::vector<Row>>();
    const CsvTable table = parse_csv(text, "x");
    EXPECT_EQ(table.header, rows.front()) << text;
    rows.erase(rows.begin());
    EXPECT_EQ(table.rows, rows) << text;
  }
}

TEST(Csv, WritesWhatPythonWrites) {
  const auto cases = golden().at("writing");
  ASSERT_GE(cases.size(), 100U);
  for (const auto& one : cases) {
    const auto rows = one.at("rows").get<std::vector<Row>>();
    CsvWriter writer(rows.front());
    for (size_t i = 1; i < rows.size(); ++i) writer.row(rows[i]);
    EXPECT_EQ(writer.text(), one.at("text").get<std::string>());
  }
}

TEST(Csv, WritingThenReadingIsTheIdentity) {
  const std::vector<std::string> pieces = {
      "a",    "\"", ",", "\n",   "\r", "\r\n", "\xEF\xBB\xBF", "é",
      "🙂", "\t", " ", "\"\"", "0",  "'",    "\\",           std::string(100, 'x')};
  RandomStream random(7);
  for (int round = 0; round < 2000; ++round) {
    const size_t columns = 1 + random.below(4);
    const auto row = [&](size_t tag) {
      Row cells(columns);
      for (std::string& cell : cells) {
        for (uint64_t n = random.below(6); n > 0; --n) cell += pieces[random.below(pieces.size())];
        if (tag > 0) cell += std::to_string(tag++);  // header names must differ
      }
      return cells;
    };
    const Row header = row(1);
    std::vector<Row> rows;
    for (uint64_t n = random.below(5); n > 0; --n) rows.push_back(row(0));
    CsvWriter writer(header);
    for (const Row& cells : rows) writer.row(cells);
    const CsvTable table = parse_csv(writer.text(), "x");
    ASSERT_EQ(table.header, header) << writer.text();
    ASSERT_EQ(table.rows, rows) << writer.text();
  }
}

TEST(Csv, KnowsTheLineOfEachRow) {
  const CsvTable table = parse_csv("a,b\r\n\r\n\"x\ny\r\nz\rw\",\"\"\"\r\"\n1,2\r\r3,4", "x");
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.lines, (std::vector<int64_t>{3, 8, 10}));
  EXPECT_EQ(table.place(1), "x, row 2 (line 8)");
}

TEST(Csv, FindsColumns) {
  const CsvTable table = parse_csv("extra,summary,id,dialog\n", "/data/x.csv");
  EXPECT_EQ(table.column("id"), 2U);
  const std::string message = message_of([&] { table.column("dialogue", "data.dialogue_column"); });
  expect_words(message,
               {"/data/x.csv", "no column 'dialogue'", "mean 'dialog'",
                "'extra', 'summary', 'id', 'dialog'", "set data.dialogue_column='dialog'"});
  const std::string far = message_of([&] { table.column("prediction"); });
  EXPECT_EQ(far.find("mean"), far.npos) << far;
}

TEST(Csv, HeaderOnlyIsTheCallersAffair) {
  const CsvTable table = parse_csv("id,summary", "/data/h.csv");
  EXPECT_TRUE(table.rows.empty());
  expect_words(message_of([&] { table.require_rows(); }), {"/data/h.csv", "'id', 'summary'"});
  EXPECT_EQ(message_of([&] { parse_csv("id\n1", "x").require_rows(); }), "no error");
}

TEST(Csv, RefusesWithThePlace) {
  expect_words(error_of(""), {"/data/x.csv", "empty"});
  expect_words(error_of("\xEF\xBB\xBF\r\n\n"), {"/data/x.csv", "empty"});
  expect_words(error_of("a,b,c\n1,\"x\ny\",3\n4,5\n"),
               {"/data/x.csv", "row 2", "line 4", "2 cells", "3 ('a', 'b', 'c')"});
  expect_words(error_of("a,b\n1,2,3\n"), {"row 1", "line 2", "3 cells"});
  expect_words(error_of("a,b\n1,2\n3,\"x\n4,5\n6,7\n"), {"line 3", "never closed"});
  expect_words(error_of("a,b\n1,caf\xE9\n"), {"line 2", "0xE9", "offset 9", "UTF-8"});
  expect_words(error_of(std::string_view("a,b\n1,2\n\0,4\n", 12)), {"line 3", "zero byte"});
  expect_words(error_of("\xFF\xFE"
                        "a"),
               {"UTF-16"});
  expect_words(error_of("\nid,b,id\n1,2,3\n"), {"line 2", "two columns", "'id'"});
  EXPECT_EQ(error_of("id,,\n1,2,3\n"), "no error");  // trailing commas of a spreadsheet
}

TEST(Csv, NamesTheAbsoluteFile) {
  const auto path = std::filesystem::temp_directory_path() / "precis_csv_test.csv";
  write_file(path, "id,text\n007, x \n");
  const CsvTable table = read_csv(path);
  EXPECT_EQ(table.name, path.string());
  EXPECT_EQ(table.rows, (std::vector<Row>{{"007", " x "}}));
  std::filesystem::remove(path);
  expect_words(message_of([&] { read_csv("no/such.csv"); }),
               {(std::filesystem::current_path() / "no/such.csv").string()});
}

}  // namespace
}  // namespace precis
