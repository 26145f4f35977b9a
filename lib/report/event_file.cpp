#include "lib/report/event_file.h"

#include <array>
#include <bit>

namespace precis {

namespace {

constexpr std::array<uint32_t, 256> crc_table() {
  constexpr uint32_t kReversedPolynomial = 0x82F63B78;
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1) != 0 ? (value >> 1) ^ kReversedPolynomial : value >> 1;
    table[i] = value;
  }
  return table;
}

/// What TFRecord stores instead of a CRC, since a CRC of data that holds its CRC means little.
uint32_t masked_crc(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

std::string little_endian(uint64_t value, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

/// A protobuf message under construction. Fields are to be added in the order of their numbers.
class Message {
 public:
  Message& varint(uint32_t field, uint64_t value) {
    key(field, 0);
    put_varint(value);
    return *this;
  }
  Message& fixed(uint32_t field, double value) {
    key(field, 1);
    bytes_ += little_endian(std::bit_cast<uint64_t>(value), 8);
    return *this;
  }
  Message& fixed(uint32_t field, float value) {
    key(field, 5);
    bytes_ += little_endian(std::bit_cast<uint32_t>(value), 4);
    return *this;
  }
  Message& bytes(uint32_t field, std::string_view value) {
    key(field, 2);
    put_varint(value.size());
    bytes_ += value;
    return *this;
  }
  const std::string& done() const { return bytes_; }

 private:
  void key(uint32_t field, uint32_t wire_type) { put_varint(field << 3 | wire_type); }
  void put_varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }

  std::string bytes_;
};

// Numbers of the fields.
constexpr uint32_t kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3, kEventSummary = 5,
                   kEventSessionLog = 7;
constexpr uint32_t kSummaryValue = 1, kValueTag = 1, kValueSimple = 2;
constexpr uint32_t kSessionStatus = 1, kSessionStart = 1;

Message event(double wall_time, int64_t step) {
  Message message;
  message.fixed(kEventWallTime, wall_time);
  if (step != 0) message.varint(kEventStep, static_cast<uint64_t>(step));  // proto3 leaves out 0
  return message;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = crc_table();
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<uint8_t>(c)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

std::string tfrecord(std::string_view payload) {
  std::string frame = little_endian(payload.size(), 8);
  frame += little_endian(masked_crc(frame), 4);
  frame += payload;
  frame += little_endian(masked_crc(payload), 4);
  return frame;
}

std::string version_event(double wall_time) {
  return event(wall_time, 0).bytes(kEventFileVersion, "brain.Event:2").done();
}

std::string session_start_event(double wall_time, int64_t step) {
  const Message log = Message().varint(kSessionStatus, kSessionStart);
  return event(wall_time, step).bytes(kEventSessionLog, log.done()).done();
}

std::string scalars_event(double wall_time, int64_t step, const std::vector<EventScalar>& scalars) {
  Message summary;
  for (const EventScalar& scalar : scalars) {
    const Message value = Message().bytes(kValueTag, scalar.tag).fixed(kValueSimple, scalar.value);
    summary.bytes(kSummaryValue, value.done());
  }
  return event(wall_time, step).bytes(kEventSummary, summary.done()).done();
}

}  // namespace precis
