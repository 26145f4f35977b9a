// A whole file as bytes without a copy.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace precis {

/// A file mapped read-only from constructor to destructor. A file that another program replaces by
/// renaming stays whole here; one that is shortened in place does not, so nothing of ours writes in
/// place.
class MappedFile {
 public:
  /// Throws DataError naming the absolute path when it cannot be read; where there is no memory for
  /// it, which says nothing of the file, an Error of another code.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  /// The absolute path, for messages.
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::span<const std::byte> bytes_;
};

}  // namespace precis
