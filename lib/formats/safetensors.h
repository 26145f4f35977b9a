// The safetensors format: 8 bytes header size, a JSON header, then the tensors' bytes without gaps.
// Reference: huggingface/safetensors, safetensors/src/tensor.rs; here also misaligned tensors and
// repeated names are refused.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/formats/array.h"
#include "lib/formats/safetensors_header.h"

namespace precis {

/// The tensors of a file, by name. Everything is checked when it is opened: header, types, shapes,
/// that the tensors fill the file exactly and lie apart. The arrays refer to the mapped file and
/// keep it mapped.
class SafetensorsFile {
 public:
  using Metadata = std::vector<std::pair<std::string, std::string>>;
  /// Bytes between two tensors make a file invalid. A reader that knows which tensors there should
  /// be may look at those first, as a tensor that is missing is what most often leaves a gap.
  enum class Gaps { kRefuse, kAllow };

  /// Throws DataError naming the file, the tensor, what was expected and what is there.
  explicit SafetensorsFile(const std::filesystem::path& path, Gaps gaps = Gaps::kRefuse);
  /// The same over bytes that `owner` keeps alive; `file` is named in errors.
  SafetensorsFile(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                  std::string file);

  const std::string& file() const { return file_; }
  /// In the order of their bytes.
  const std::vector<std::pair<std::string, ArrayView>>& tensors() const { return tensors_; }
  /// Null where there is none.
  const ArrayView* find(std::string_view name) const;
  const Metadata& metadata() const { return metadata_; }

 private:
  void read(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner);
  void add(const SafetensorsHeader::Tensor& tensor, std::span<const std::byte> data,
           const std::shared_ptr<const void>& owner);
  [[noreturn]] void fail(std::string_view what) const;
  [[noreturn]] void fail(std::string_view tensor, std::string_view what) const;

  std::string file_;
  Gaps gaps_ = Gaps::kRefuse;
  std::vector<std::pair<std::string, ArrayView>> tensors_;
  std::vector<size_t> by_name_;  ///< indices into tensors_, sorted by name
  Metadata metadata_;
};

/// Writes tensors under names that differ, wider element types first (so that all are aligned),
/// else in the given order. The file that was there is replaced when the new one is complete.
/// Throws DataError naming the path.
void write_safetensors(const std::filesystem::path& path,
                       std::span<const std::pair<std::string, ArrayView>> tensors,
                       const SafetensorsFile::Metadata& metadata = {{"format", "pt"}});

}  // namespace precis
