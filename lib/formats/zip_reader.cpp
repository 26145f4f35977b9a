#include "lib/formats/zip_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/errors.h"
#include "lib/formats/array.h"
#include "lib/formats/bytes.h"
#include "lib/formats/crc32.h"
#include "lib/formats/printable.h"

namespace precis {

namespace {

constexpr uint32_t kLocalHeader = 0x04034B50, kCentralHeader = 0x02014B50, kEnd = 0x06054B50;
constexpr uint32_t kEnd64 = 0x06064B50, kEnd64Locator = 0x07064B50;
constexpr uint64_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64Size = 56,
                   kLocatorSize = 20;
constexpr uint32_t kIn64 = 0xFFFFFFFF;  // "the number is in the zip64 record"
constexpr uint16_t kEncrypted = 1;

}  // namespace

/// An entry as the central directory describes it.
struct ZipReader::Place {
  std::string_view name;
  uint64_t header = 0;
  uint64_t size = 0;
  uint64_t end = 0;  ///< one past its last byte
  uint32_t crc = 0;
};

bool looks_like_zip(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && load_number<uint32_t>(bytes, 0) == kLocalHeader;
}

void ZipReader::fail(std::string_view what) const {
  throw DataError(fmt::format("{}: {}", file_, printable(what)));
}

void ZipReader::fail(std::string_view entry, std::string_view what) const {
  throw DataError(fmt::format("{}: entry {}: {}", file_, printable(entry), printable(what)));
}

ZipReader::ZipReader(std::span<const std::byte> archive, std::string file)
    : archive_(archive), file_(std::move(file)) {
  const Directory directory = find_directory();
  std::vector<Place> places;
  uint64_t at = directory.offset;
  while (at < directory.offset + directory.size) {
    places.push_back(read_place(directory, at));
    locate(directory, places.back());
  }
  if (places.size() != directory.count) {
    fail(fmt::format("its directory lists {} entries, but says {}: the file is damaged",
                     places.size(), directory.count));
  }
  check_apart(places);
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  for (size_t i = 1; i < entries_.size(); ++i) {
    if (entries_[i].name == entries_[i - 1].name) fail(entries_[i].name, "is there twice");
  }
}

ZipReader::Directory ZipReader::find_directory() const {
  constexpr uint64_t kLongestComment = 0xFFFF;
  const uint64_t size = archive_.size();
  for (uint64_t back = kEndSize; back <= size && back <= kEndSize + kLongestComment; ++back) {
    const uint64_t at = size - back;
    if (load_number<uint32_t>(archive_, at) != kEnd) continue;
    if (load_number<uint16_t>(archive_, at + 20) != back - kEndSize) continue;
    Directory directory{load_number<uint32_t>(archive_, at + 16),
                        load_number<uint32_t>(archive_, at + 12),
                        load_number<uint16_t>(archive_, at + 10)};
    if (load_number<uint16_t>(archive_, at + 4) != load_number<uint16_t>(archive_, at + 6) ||
        load_number<uint16_t>(archive_, at + 8) != load_number<uint16_t>(archive_, at + 10)) {
      fail("is one part of a zip archive in several parts");
    }
    if (directory.offset == kIn64 || directory.size == kIn64 || directory.count == 0xFFFF) {
      use_zip64(at, directory);
    }
    if (directory.offset > at || directory.size > at - directory.offset) {
      fail("its directory lies outside the file: the file is damaged or cut short");
    }
    return directory;
  }
  fail("has no directory at its end: the file is cut short");
}

void ZipReader::use_zip64(uint64_t end_record, Directory& directory) const {
  if (end_record < kLocatorSize) return;
  const uint64_t locator = end_record - kLocatorSize;
  if (load_number<uint32_t>(archive_, locator) != kEnd64Locator) return;
  const auto at = load_number<uint64_t>(archive_, locator + 8);
  if (at > locator || locator - at < kEnd64Size || load_number<uint32_t>(archive_, at) != kEnd64) {
    fail("its zip64 record is not where it should be: the file is damaged");
  }
  directory = {load_number<uint64_t>(archive_, at + 48), load_number<uint64_t>(archive_, at + 40),
               load_number<uint64_t>(archive_, at + 32)};
}

ZipReader::Place ZipReader::read_place(const Directory& directory, uint64_t& at) const {
  const uint64_t left = directory.offset + directory.size - at;
  if (left < kCentralSize || load_number<uint32_t>(archive_, at) != kCentralHeader) {
    fail("its directory is damaged");
  }
  const auto flags = load_number<uint16_t>(archive_, at + 8);
  const auto method = load_number<uint16_t>(archive_, at + 10);
  const uint64_t name_size = load_number<uint16_t>(archive_, at + 28);
  const uint64_t extra_size = load_number<uint16_t>(archive_, at + 30);
  const uint64_t whole =
      kCentralSize + name_size + extra_size + load_number<uint16_t>(archive_, at + 32);
  if (left < whole) fail("its directory is damaged");
  Place place;
  place.name = as_text(archive_.subspan(at + kCentralSize, name_size));
  place.crc = load_number<uint32_t>(archive_, at + 16);
  uint64_t packed = load_number<uint32_t>(archive_, at + 20);
  place.size = load_number<uint32_t>(archive_, at + 24);
  place.header = load_number<uint32_t>(archive_, at + 42);
  if (flags & kEncrypted) fail(place.name, "is encrypted; refused");
  if (method != 0) {
    fail(place.name,
         "is compressed; torch.save stores its entries as they are. Pack the archive again "
         "without compression");
  }
  // A zip64 field holds, in this order, those of the numbers that are in it.
  std::span<const std::byte> extra = archive_.subspan(at + kCentralSize + name_size, extra_size);
  while (extra.size() >= 4) {
    const auto id = load_number<uint16_t>(extra, 0);
    const size_t size = load_number<uint16_t>(extra, 2);
    if (size > extra.size() - 4) break;
    std::span<const std::byte> field = extra.subspan(4, size);
    for (uint64_t* number : {&place.size, &packed, &place.header}) {
      if (id != 1 || *number != kIn64 || field.size() < 8) continue;
      *number = load_number<uint64_t>(field, 0);
      field = field.subspan(8);
    }
    extra = extra.subspan(4 + size);
  }
  if (packed != place.size) {
    fail(place.name, fmt::format("is stored, but takes {} bytes for {}: the file is damaged",
                                 packed, place.size));
  }
  at += whole;
  return place;
}

void ZipReader::locate(const Directory& directory, Place& place) {
  if (place.header > directory.offset || directory.offset - place.header < kLocalSize ||
      load_number<uint32_t>(archive_, place.header) != kLocalHeader) {
    fail(place.name, "is not where the directory says: the file is damaged");
  }
  const uint64_t name_size = load_number<uint16_t>(archive_, place.header + 26);
  const uint64_t skipped =
      kLocalSize + name_size + load_number<uint16_t>(archive_, place.header + 28);
  const uint64_t room = directory.offset - place.header;
  if (skipped > room || place.size > room - skipped) {
    fail(place.name,
         fmt::format("should have {} bytes, but the archive has {} there: the file is damaged",
                     place.size, room - std::min(room, skipped)));
  }
  if (as_text(archive_.subspan(place.header + kLocalSize, name_size)) != place.name) {
    fail(place.name, "has another name in front of its bytes: the file is damaged");
  }
  place.end = place.header + skipped + place.size;
  entries_.push_back(
      {place.name, archive_.subspan(place.header + skipped, place.size), place.crc, false});
}

void ZipReader::check_apart(std::vector<Place>& places) const {
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.header < b.header; });
  for (size_t i = 1; i < places.size(); ++i) {
    if (places[i].header < places[i - 1].end) {
      fail(places[i].name, fmt::format("overlaps entry {}; refused", places[i - 1].name));
    }
  }
}

std::optional<size_t> ZipReader::index_of(std::string_view name) const {
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), name,
                       [](const Entry& entry, std::string_view n) { return entry.name < n; });
  if (found == entries_.end() || found->name != name) return std::nullopt;
  return static_cast<size_t>(found - entries_.begin());
}

std::span<const std::byte> ZipReader::read(std::string_view name) {
  const std::optional<size_t> index = index_of(name);
  if (!index) fail(name, "is missing");
  Entry& entry = entries_[*index];
  if (!entry.verified) {
    const uint32_t crc = crc32(entry.bytes);
    if (crc != entry.crc) {
      fail(name,
           fmt::format("its checksum is {:08x}, but the archive says {:08x}: the file is damaged",
                       crc, entry.crc));
    }
    entry.verified = true;
  }
  return entry.bytes;
}

}  // namespace precis
