// Zip archives of stored (not compressed) entries, as torch.save writes them. Layout: PKWARE's
// APPNOTE.TXT 6.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace precis {

/// Whether the bytes begin as a zip archive does.
bool looks_like_zip(std::span<const std::byte> bytes);

/// The directory of an archive that lies in memory. Every entry is checked to be stored, inside the
/// archive and apart from all others; nothing is copied.
class ZipReader {
 public:
  struct Entry {
    std::string_view name;
    std::span<const std::byte> bytes;
    uint32_t crc = 0;
    bool verified = false;
  };

  /// `file` is named in errors. The bytes must outlive the reader. Throws DataError for whatever is
  /// wrong with the archive's structure.
  ZipReader(std::span<const std::byte> archive, std::string file);

  /// Sorted by name.
  std::span<const Entry> entries() const { return entries_; }
  bool contains(std::string_view name) const { return index_of(name).has_value(); }
  /// The bytes of an entry; its CRC is checked the first time. Throws DataError when it is missing
  /// or damaged.
  std::span<const std::byte> read(std::string_view name);

 private:
  struct Directory {
    uint64_t offset = 0;
    uint64_t size = 0;
    uint64_t count = 0;
  };
  struct Place;

  Directory find_directory() const;
  void use_zip64(uint64_t end_record, Directory& directory) const;
  Place read_place(const Directory& directory, uint64_t& at) const;
  void locate(const Directory& directory, Place& place);
  void check_apart(std::vector<Place>& places) const;
  std::optional<size_t> index_of(std::string_view name) const;
  [[noreturn]] void fail(std::string_view what) const;
  [[noreturn]] void fail(std::string_view entry, std::string_view what) const;

  std::span<const std::byte> archive_;
  std::string file_;
  std::vector<Entry> entries_;
};

}  // namespace precis
