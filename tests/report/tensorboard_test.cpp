#include "lib/report/tensorboard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lib/base/files.h"
#include "lib/report/event_file.h"
#include "tests/report/temp_folder.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// The payloads of a file; their frames must be whole and right.
std::vector<std::string> payloads_of(const fs::path& path) {
  const std::string content = read_file(path);
  std::vector<std::string> payloads;
  for (size_t at = 0; at < content.size();) {
    uint64_t length = 0;
    std::memcpy(&length, content.data() + at, sizeof length);
    payloads.push_back(content.substr(at + 12, length));
    const std::string frame = tfrecord(payloads.back());
    EXPECT_EQ(content.substr(at, frame.size()), frame);
    at += frame.size();
  }
  return payloads;
}

const Record kTrain = {{"kind", "train"},  {"iter", 12},          {"loss", 2.5},
                       {"lr", 1e-4},       {"grad_norm", 0.75},   {"samples_per_s", 40.0},
                       {"step_ms", 800.0}, {"tokens_per_s", 7e3}, {"mfu", nullptr},
                       {"time", 1.7e9}};
const Record kEval = {{"kind", "eval"}, {"iter", 12},    {"val_loss", std::nan("")},
                      {"rouge1", 0.4},  {"rouge2", 0.2}, {"rougeL", 0.3},
                      {"time", 1.7e9}};

const std::string kTrainEvent = scalars_event(1.7e9, 12,
                                              {{"train/loss", 2.5F},
                                               {"train/lr", 1e-4F},
                                               {"train/grad_norm", 0.75F},
                                               {"speed/samples_per_s", 40.0F},
                                               {"speed/tokens_per_s", 7e3F},
                                               {"speed/step_ms", 800.0F}});
const std::string kEvalEvent = scalars_event(1.7e9, 12,
                                             {{"eval/val_loss", std::nanf("")},
                                              {"eval/rouge1", 0.4F},
                                              {"eval/rouge2", 0.2F},
                                              {"eval/rougeL", 0.3F}});

/// What an event says beyond its time, which is the clock's.
std::string without_time(const std::string& event) {
  return event.substr(9);
}

TEST(TensorBoard, ScalarsUnderTheirTags) {
  const TempFolder folder;
  {
    TensorBoardSink sink(folder / "a/tensorboard", std::nullopt);
    sink.write(kTrain);
    sink.write(kEval);
    sink.write({{"kind", "other"}, {"iter", 1}, {"loss", 1.0}});
    sink.write({{"kind", "train"}, {"loss", 1.0}});
    sink.write({{"kind", "eval"}, {"iter", 1}, {"rouge1", nullptr}});
    sink.flush();
  }
  const std::vector<fs::path> files = files_of(folder / "a/tensorboard");
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].filename().string().rfind("events.out.tfevents.", 0), 0U);
  const std::vector<std::string> payloads = payloads_of(files[0]);
  ASSERT_EQ(payloads.size(), 4U);
  EXPECT_EQ(without_time(payloads[0]), without_time(version_event(0)));
  EXPECT_EQ(without_time(payloads[1]), without_time(session_start_event(0, 0)));
  EXPECT_EQ(payloads[2], kTrainEvent);
  EXPECT_EQ(payloads[3], kEvalEvent);
}

TEST(TensorBoard, AResumePurgesInANewLaterFileAndKeepsItsEvaluation) {
  const TempFolder folder;
  const fs::path path = folder / "tensorboard";
  // Three starts within one second still sort in their order.
  { TensorBoardSink sink(path, std::nullopt); }
  { TensorBoardSink sink(path, 6); }
  const std::vector<fs::path> before = files_of(path);
  const std::vector<Record> kept = {{{"kind", "eval"}, {"iter", 6}, {"val_loss", 1.0}},
                                    kEval,
                                    {{"kind", "train"}, {"iter", 11}, {"loss", 1.0}}};
  { TensorBoardSink sink(path, 12, kept); }
  const std::vector<fs::path> files = files_of(path);
  ASSERT_EQ(before.size(), 2U);
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0], before[0]);
  EXPECT_EQ(files[1], before[1]);
  const std::vector<std::string> payloads = payloads_of(files[2]);
  ASSERT_EQ(payloads.size(), 3U);
  EXPECT_EQ(without_time(payloads[1]), without_time(session_start_event(0, 12)));
  EXPECT_EQ(payloads[2], kEvalEvent);
}

TEST(TensorBoard, AFolderThatCannotBeMadeIsNamed) {
  const TempFolder folder;
  write_file(folder / "file", "");
  std::string told;
  TensorBoardSink sink(folder / "file/tensorboard", std::nullopt, {},
                       [&](const std::string& said) { told += said; });
  EXPECT_NE(told.find((folder / "file/tensorboard").string()), std::string::npos) << told;
  EXPECT_FALSE(sink.is_complete());
}

}  // namespace
}  // namespace precis
