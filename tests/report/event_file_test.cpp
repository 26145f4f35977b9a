// Expected bytes: tests/golden/tensorboard_events.py.
#include "lib/report/event_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lib/base/files.h"

namespace precis {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return text;
}

TEST(EventFile, Crc32cOfKnownTexts) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);    // RFC 3720 B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);  // the same
}

TEST(EventFile, FramesAreThoseOfTensorBoardsOwnWriter) {
  const auto golden = nlohmann::json::parse(read_file("tests/golden/tensorboard_events.json"));
  const std::map<std::string, std::string> events = {
      {"version", version_event(1700000000.25)},
      {"start_at_0", session_start_event(1700000000.5, 0)},
      {"start_at_300", session_start_event(1700000000.5, 300)},
      {"scalars_at_0", scalars_event(1700000001.0, 0, {{"train/loss", 3.25F}, {"train/lr", 0.0F}})},
      {"scalars_at_70000",
       scalars_event(1700000002.125, 70000,
                     {{"eval/val_loss", std::nanf("")}, {"eval/rouge1", 0.4302F}})},
      {"long_tag", scalars_event(1700000003.0, 5, {{std::string(300, 't'), -1e30F}})}};
  ASSERT_EQ(golden.size(), events.size());
  for (const auto& [name, event] : events)
    EXPECT_EQ(hex(tfrecord(event)), golden.at(name).get<std::string>()) << name;
}

}  // namespace
}  // namespace precis
