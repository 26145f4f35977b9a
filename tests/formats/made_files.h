// Files made for tests, and what the readers say about them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/formats/array.h"
#include "lib/formats/bytes.h"
#include "lib/formats/pt_file.h"
#include "lib/formats/value.h"
#include "lib/formats/zip_writer.h"

namespace precis::testing {

/// A folder of its own that is gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "precis-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The message of the DataError that this throws, or a text that no test expects.
inline std::string error_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const DataError& error) {
    return error.what();
  }
  return "(no error)";
}

inline void expect_words(const std::string& message, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    EXPECT_NE(message.find(word), std::string::npos) << "\"" << word << "\" is not in: " << message;
  }
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

using Entries = std::vector<std::pair<std::string, std::string>>;

/// A zip archive of stored entries.
inline std::string zip_of(const Entries& entries, uint64_t zip64_from = 0xFFFFFFFF) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "a.zip");
  ZipWriter zip(file, zip64_from);
  for (const auto& [name, content] : entries) zip.add(name, std::string_view(content));
  zip.finish();
  file.commit();
  return read_file(folder / "a.zip");
}

/// Reads bytes as a checkpoint called /data/x.pt; the bytes must outlive the result.
inline Value read_bytes(const std::string& bytes) {
  return read_pt(bytes_of(bytes), nullptr, "/data/x.pt");
}

inline std::string error_of_pt(const std::string& bytes) {
  return error_of([&] { read_bytes(bytes); });
}

/// What the reader says of an archive with this pickle and one storage "0" of these bytes.
inline std::string error_of_pickle(const std::string& pickle,
                                   const std::string& storage = "12345678") {
  return error_of_pt(zip_of(
      {{"archive/data.pkl", pickle}, {"archive/data/0", storage}, {"archive/version", "3\n"}}));
}

/// Numbers as an array that owns them.
template <class T>
ArrayView array_of(ElementType type, std::vector<int64_t> shape, const std::vector<T>& numbers) {
  auto owner = std::make_shared<std::vector<T>>(numbers);
  const auto bytes = std::as_bytes(std::span(owner->data(), owner->size()));
  return {type, std::move(shape), bytes, std::move(owner)};
}

template <class T>
std::vector<T> numbers_of(const ArrayView& array) {
  std::vector<T> numbers(array.bytes.size() / sizeof(T));
  if (!numbers.empty()) std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
  return numbers;
}

}  // namespace precis::testing
