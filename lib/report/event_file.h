// The bytes of a TensorBoard event file, written by hand: TFRecord frames
// (tensorflow/core/lib/io/record_writer.h) around Event messages (tensorflow/core/util/event.proto,
// summary.proto) in protobuf's wire format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace precis {

/// A value under a tag, as TensorBoard draws it.
struct EventScalar {
  std::string tag;
  float value = 0;
};

/// CRC-32C (Castagnoli), as of RFC 3720 appendix B.4.
uint32_t crc32c(std::string_view bytes);

/// One frame: length, masked CRC of the length, payload, masked CRC of the payload.
std::string tfrecord(std::string_view payload);

/// The first event of a file. wall_time: Unix seconds, in all events.
std::string version_event(double wall_time);

/// "A session starts at this step": readers drop what older files hold from that step on.
std::string session_start_event(double wall_time, int64_t step);

/// The scalars of one step.
std::string scalars_event(double wall_time, int64_t step, const std::vector<EventScalar>& scalars);

}  // namespace precis
