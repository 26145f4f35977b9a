// Writes zip archives of stored entries, as torch.save does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/files.h"

namespace precis {

/// Appends entries to a file and ends it with the directory. The bytes of every entry start at a
/// multiple of 64.
class ZipWriter {
 public:
  static constexpr uint64_t kAlignment = 64;

  /// Sizes and offsets from `zip64_from` on are written in zip64 records (smaller in tests only).
  explicit ZipWriter(AtomicFile& file, uint64_t zip64_from = 0xFFFFFFFF)
      : file_(file), zip64_from_(zip64_from) {}

  /// Writes an entry; its bytes are not needed afterwards. Names must differ.
  void add(std::string_view name, std::span<const std::byte> bytes);
  void add(std::string_view name, std::string_view text);
  /// Writes the directory; no entry may follow.
  void finish();

 private:
  struct Entry {
    std::string name;
    uint64_t header = 0;
    uint64_t size = 0;
    uint32_t crc = 0;
  };
  bool is_large(uint64_t number) const { return number >= zip64_from_; }
  uint32_t short_form(uint64_t number) const;
  void append_central(std::string& directory, const Entry& entry) const;
  void write(std::string_view bytes);

  AtomicFile& file_;
  uint64_t zip64_from_;
  uint64_t position_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace precis
