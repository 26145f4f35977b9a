#include "lib/report/json_lines.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lib/base/files.h"
#include "tests/report/temp_folder.h"

namespace precis {
namespace {

Record train(int64_t iter) {
  return {{"kind", "train"}, {"iter", iter}, {"loss", 2.5}};
}
Record eval(int64_t iter) {
  return {{"kind", "eval"}, {"iter", iter}, {"val_loss", 3.0}};
}

TEST(JsonLines, OneObjectALineThereAtOnce) {
  const TempFolder folder;
  JsonLinesSink sink(folder / "metrics.jsonl", std::nullopt);
  sink.write({{"kind", "train"}, {"iter", 0}, {"loss", std::nan("")}});
  sink.write({{"kind", "note"}, {"text", "two\nlines \"quoted\""}});
  EXPECT_EQ(read_file(folder / "metrics.jsonl"),
            "{\"kind\":\"train\",\"iter\":0,\"loss\":null}\n"
            "{\"kind\":\"note\",\"text\":\"two\\nlines \\\"quoted\\\"\"}\n");
  EXPECT_EQ(read_json_lines(folder / "metrics.jsonl").size(), 2U);
}

TEST(JsonLines, ReadingToleratesAnUnfinishedLastLineAndNoFile) {
  const TempFolder folder;
  EXPECT_TRUE(read_json_lines(folder / "absent.jsonl").empty());
  write_file(folder / "cut.jsonl", "{\"iter\":1}\n\n{\"iter\":2}\r\n{\"iter\":3,\"los");
  const std::vector<Record> records = read_json_lines(folder / "cut.jsonl");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[1]["iter"], 2);
  write_file(folder / "whole.jsonl", "{\"iter\":1}\n{\"iter\":2}");
  EXPECT_EQ(read_json_lines(folder / "whole.jsonl").size(), 2U);
}

TEST(JsonLines, ADamagedFileIsKeptAndItsRecordsGoOn) {
  const TempFolder folder;
  const std::string damaged = "{\"iter\":1}\n[1, 2]\n{\"iter\":3}\n";
  write_file(folder / "bad.jsonl", damaged);
  EXPECT_EQ(read_json_lines(folder / "bad.jsonl").size(), 2U);
  std::string told;
  JsonLinesSink sink(folder / "bad.jsonl", 9, [&](const std::string& said) { told += said; });
  EXPECT_EQ(read_file(folder / "bad.jsonl"), "{\"iter\":1}\n{\"iter\":3}\n");
  EXPECT_EQ(read_file(folder / "bad.jsonl.damaged"), damaged);
  EXPECT_NE(told.find((folder / "bad.jsonl").string() + ": is damaged: line 2"), std::string::npos)
      << told;
}

TEST(JsonLines, WhatCannotBeReadIsKeptAside) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "odd.jsonl");  // read(2) fails
  std::string told;
  JsonLinesSink sink(folder / "odd.jsonl", 9, [&](const std::string& said) { told += said; });
  sink.write(train(4));
  EXPECT_EQ(read_file(folder / "odd.jsonl"), to_json(train(4)) + "\n");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "odd.jsonl.damaged"));
  EXPECT_NE(told.find("cannot be read (kept as odd.jsonl.damaged)"), std::string::npos) << told;
}

TEST(JsonLines, ANewRunEmptiesTheFile) {
  const TempFolder folder;
  write_file(folder / "metrics.jsonl", "{\"kind\":\"train\",\"iter\":0}\n");
  JsonLinesSink sink(folder / "metrics.jsonl", std::nullopt);
  EXPECT_EQ(read_file(folder / "metrics.jsonl"), "");
}

TEST(JsonLines, AResumeTakesOutWhatIsDoneAgain) {
  const TempFolder folder;
  // As a run writes it: train record k, then the evaluation after k + 1 iterations, here every
  // second. The number format of a kept line must stay as it was.
  std::string text = "{\"kind\":\"start\",\"x\":1.50e0}\n";
  for (int64_t iter = 0; iter < 6; ++iter) {
    if (iter % 2 == 0) text += to_json(eval(iter)) + "\n";
    text += to_json(train(iter)) + "\n";
  }
  text += to_json(eval(6)) + "\n" + "{\"kind\":\"train\",\"iter\":6,\"lo";
  write_file(folder / "metrics.jsonl", text);

  const std::string kept = "{\"kind\":\"start\",\"x\":1.50e0}\n" + to_json(eval(0)) + "\n" +
                           to_json(train(0)) + "\n" + to_json(train(1)) + "\n" + to_json(eval(2)) +
                           "\n" + to_json(train(2)) + "\n" + to_json(train(3)) + "\n" +
                           to_json(eval(4)) + "\n";
  JsonLinesSink sink(folder / "metrics.jsonl", 4);
  EXPECT_EQ(read_file(folder / "metrics.jsonl"), kept);
  sink.write(train(4));
  EXPECT_EQ(read_file(folder / "metrics.jsonl"), kept + to_json(train(4)) + "\n");
  EXPECT_FALSE(std::filesystem::exists(folder / ".metrics.jsonl.new"));
}

TEST(JsonLines, AResumeOfAFinishedRunOnlyTakesTheUnfinishedLine) {
  const TempFolder folder;
  const std::string whole = to_json(train(0)) + "\n" + to_json(eval(1)) + "\n";
  write_file(folder / "metrics.jsonl", whole + "{");
  JsonLinesSink sink(folder / "metrics.jsonl", 1);
  EXPECT_EQ(read_file(folder / "metrics.jsonl"), whole);
  JsonLinesSink other(folder / "absent.jsonl", 1);
  EXPECT_EQ(read_file(folder / "absent.jsonl"), "");
}

TEST(JsonLines, AFolderThatIsNotThereIsNamedAndTheRecordsWait) {
  const TempFolder folder;
  std::string told;
  JsonLinesSink sink(folder / "no/way/metrics.jsonl", std::nullopt,
                     [&](const std::string& said) { told += said; });
  sink.write(train(0));
  EXPECT_NE(told.find((folder / "no/way/metrics.jsonl").string()), std::string::npos) << told;
  EXPECT_FALSE(sink.is_complete());
  std::filesystem::create_directories(folder / "no/way");
  sink.write(train(1));
  EXPECT_EQ(read_file(folder / "no/way/metrics.jsonl"),
            to_json(train(0)) + "\n" + to_json(train(1)) + "\n");
}

}  // namespace
}  // namespace precis
