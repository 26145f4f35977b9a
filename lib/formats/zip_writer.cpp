#include "lib/formats/zip_writer.h"

#include <algorithm>

#include "lib/formats/array.h"
#include "lib/formats/bytes.h"
#include "lib/formats/crc32.h"

namespace precis {

namespace {

constexpr uint16_t kUtf8Names = 1 << 11;
constexpr uint16_t kZip64Version = 45;
constexpr uint16_t kNoDate =
    0x21;  // 1980-01-01: the same content is the same file whenever it is written

/// The fields that local and central headers share, from "version needed" on.
void append_common(std::string& header, uint32_t crc, uint32_t size, uint16_t version) {
  append_number<uint16_t>(header, version);
  append_number<uint16_t>(header, kUtf8Names);
  append_number<uint16_t>(header, 0);  // stored
  append_number<uint16_t>(header, 0);  // time
  append_number<uint16_t>(header, kNoDate);
  append_number<uint32_t>(header, crc);
  append_number<uint32_t>(header, size);
  append_number<uint32_t>(header, size);
}

}  // namespace

uint32_t ZipWriter::short_form(uint64_t number) const {
  return is_large(number) ? 0xFFFFFFFF : static_cast<uint32_t>(number);
}

void ZipWriter::write(std::string_view bytes) {
  file_.write(bytes);
  position_ += bytes.size();
}

void ZipWriter::add(std::string_view name, std::string_view text) {
  add(name, std::as_bytes(std::span(text.data(), text.size())));
}

void ZipWriter::add(std::string_view name, std::span<const std::byte> bytes) {
  Entry entry{std::string(name), position_, bytes.size(), crc32(bytes)};
  std::string extra;
  if (is_large(entry.size)) {
    append_number<uint16_t>(extra, 1);
    append_number<uint16_t>(extra, 16);
    append_number<uint64_t>(extra, entry.size);
    append_number<uint64_t>(extra, entry.size);
  }
  // torch.save fills up to the alignment with a field "FB".
  constexpr uint64_t kLocalSize = 30, kFieldHead = 4;
  const uint64_t unpadded = position_ + kLocalSize + name.size() + extra.size() + kFieldHead;
  const uint64_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  extra += "FB";
  append_number<uint16_t>(extra, static_cast<uint16_t>(padding));
  extra.append(padding, 'Z');

  std::string header;
  append_number<uint32_t>(header, 0x04034B50);
  append_common(header, entry.crc, short_form(entry.size),
                is_large(entry.size) ? kZip64Version : 20);
  append_number<uint16_t>(header, static_cast<uint16_t>(name.size()));
  append_number<uint16_t>(header, static_cast<uint16_t>(extra.size()));
  header += name;
  header += extra;
  write(header);
  write(as_text(bytes));
  entries_.push_back(std::move(entry));
}

void ZipWriter::append_central(std::string& directory, const Entry& entry) const {
  std::string numbers;
  if (is_large(entry.size)) {
    append_number<uint64_t>(numbers, entry.size);
    append_number<uint64_t>(numbers, entry.size);
  }
  if (is_large(entry.header)) append_number<uint64_t>(numbers, entry.header);
  append_number<uint32_t>(directory, 0x02014B50);
  append_number<uint16_t>(directory, kZip64Version);  // made by
  append_common(directory, entry.crc, short_form(entry.size), numbers.empty() ? 20 : kZip64Version);
  append_number<uint16_t>(directory, static_cast<uint16_t>(entry.name.size()));
  append_number<uint16_t>(directory,
                          static_cast<uint16_t>(numbers.empty() ? 0 : numbers.size() + 4));
  directory.append(10, '\0');  // no comment, first disk, no attributes
  append_number<uint32_t>(directory, short_form(entry.header));
  directory += entry.name;
  if (numbers.empty()) return;
  append_number<uint16_t>(directory, 1);
  append_number<uint16_t>(directory, static_cast<uint16_t>(numbers.size()));
  directory += numbers;
}

void ZipWriter::finish() {
  std::string directory;
  for (const Entry& entry : entries_) append_central(directory, entry);
  const uint64_t offset = position_;
  const uint64_t size = directory.size();
  const uint64_t count = entries_.size();
  if (is_large(offset) || is_large(size) || count >= 0xFFFF) {
    const uint64_t end64 = offset + size;
    append_number<uint32_t>(directory, 0x06064B50);
    append_number<uint64_t>(directory, 44);  // bytes that follow in this record
    append_number<uint16_t>(directory, kZip64Version);
    append_number<uint16_t>(directory, kZip64Version);
    append_number<uint64_t>(directory, 0);  // first disk, twice
    append_number<uint64_t>(directory, count);
    append_number<uint64_t>(directory, count);
    append_number<uint64_t>(directory, size);
    append_number<uint64_t>(directory, offset);
    append_number<uint32_t>(directory, 0x07064B50);
    append_number<uint32_t>(directory, 0);
    append_number<uint64_t>(directory, end64);
    append_number<uint32_t>(directory, 1);
  }
  append_number<uint32_t>(directory, 0x06054B50);
  append_number<uint32_t>(directory, 0);
  const auto short_count = static_cast<uint16_t>(std::min<uint64_t>(count, 0xFFFF));
  append_number<uint16_t>(directory, short_count);
  append_number<uint16_t>(directory, short_count);
  append_number<uint32_t>(directory, short_form(size));
  append_number<uint32_t>(directory, short_form(offset));
  append_number<uint16_t>(directory, 0);
  write(directory);
}

}  // namespace precis
