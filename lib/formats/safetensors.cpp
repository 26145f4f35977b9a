#include "lib/formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/formats/bytes.h"
#include "lib/formats/mapped_file.h"
#include "lib/formats/printable.h"
#include "lib/formats/safetensors_header.h"

namespace precis {

namespace {

constexpr uint64_t kHeaderSizeBytes = 8;
constexpr uint64_t kMaxHeader = 100'000'000;  // the reference's limit

struct TypeName {
  std::string_view name;
  ElementType type;
};

constexpr TypeName kTypes[] = {
    {"F64", ElementType::kFloat64}, {"F32", ElementType::kFloat32},
    {"F16", ElementType::kFloat16}, {"BF16", ElementType::kBFloat16},
    {"I64", ElementType::kInt64},   {"I32", ElementType::kInt32},
    {"I16", ElementType::kInt16},   {"I8", ElementType::kInt8},
    {"U8", ElementType::kUInt8},    {"BOOL", ElementType::kBool},
};

const TypeName* find_type(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                   [&](const TypeName& t) { return t.name == name; });
  return found == std::end(kTypes) ? nullptr : found;
}

std::string_view type_name_of(ElementType type) {
  return std::find_if(std::begin(kTypes), std::end(kTypes),
                      [&](const TypeName& t) { return t.type == type; })
      ->name;
}

}  // namespace

void SafetensorsFile::fail(std::string_view what) const {
  throw DataError(fmt::format("{}: {}", file_, printable(what)));
}

void SafetensorsFile::fail(std::string_view tensor, std::string_view what) const {
  throw DataError(fmt::format("{}: tensor {}: {}", file_, printable(tensor), printable(what)));
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path, Gaps gaps) : gaps_(gaps) {
  auto mapped = std::make_shared<const MappedFile>(path);
  file_ = mapped->name();
  read(mapped->bytes(), mapped);
}

SafetensorsFile::SafetensorsFile(std::span<const std::byte> bytes,
                                 std::shared_ptr<const void> owner, std::string file)
    : file_(std::move(file)) {
  read(bytes, owner);
}

void SafetensorsFile::read(std::span<const std::byte> bytes,
                           const std::shared_ptr<const void>& owner) {
  if (bytes.size() < kHeaderSizeBytes) {
    fail(fmt::format("has {} bytes; a safetensors file begins with 8 bytes of header size",
                     bytes.size()));
  }
  if (as_text(bytes).starts_with("version https://git-lfs")) {
    fail("is a Git LFS pointer, not the weights themselves; fetch them with: git lfs pull");
  }
  const auto header_size = load_number<uint64_t>(bytes, 0);
  if (header_size > kMaxHeader || header_size > bytes.size() - kHeaderSizeBytes) {
    fail(
        fmt::format("says its header has {} bytes, but the file has {} in all: it is cut short or "
                    "no safetensors file",
                    header_size, bytes.size()));
  }
  SafetensorsHeader header;
  const std::string problem =
      parse_safetensors_header(as_text(bytes.subspan(kHeaderSizeBytes, header_size)), header);
  if (!problem.empty()) fail(problem);
  metadata_ = std::move(header.metadata);

  const std::span<const std::byte> data = bytes.subspan(kHeaderSizeBytes + header_size);
  for (const auto& tensor : header.tensors) {
    if (tensor.offsets.size() != 2 || tensor.offsets[0] > tensor.offsets[1]) {
      fail(tensor.name, fmt::format("data_offsets are {}; expected a begin and an end",
                                    shape_text(tensor.offsets)));
    }
    if (static_cast<uint64_t>(tensor.offsets[1]) > data.size()) {
      fail(tensor.name, fmt::format("should end at byte {} of the tensors' bytes, but the file has "
                                    "{}: it is cut short or damaged",
                                    tensor.offsets[1], data.size()));
    }
  }
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const auto& a, const auto& b) { return a.offsets < b.offsets; });
  for (const auto& tensor : header.tensors) add(tensor, data, owner);
  const size_t taken = tensors_.empty() ? 0 : static_cast<size_t>(header.tensors.back().offsets[1]);
  if (taken != data.size() && gaps_ == Gaps::kRefuse) {
    fail(fmt::format("its tensors take {} bytes, but {} follow the header", taken, data.size()));
  }
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), size_t{0});
  std::sort(by_name_.begin(), by_name_.end(),
            [&](size_t a, size_t b) { return tensors_[a].first < tensors_[b].first; });
}

void SafetensorsFile::add(const SafetensorsHeader::Tensor& tensor, std::span<const std::byte> data,
                          const std::shared_ptr<const void>& owner) {
  const auto begin = static_cast<uint64_t>(tensor.offsets[0]);
  const auto end = static_cast<uint64_t>(tensor.offsets[1]);
  // The tensors before this one lie without gaps from byte 0 on.
  const uint64_t expected =
      tensors_.empty() ? 0
                       : static_cast<uint64_t>(tensors_.back().second.bytes.data() - data.data()) +
                             tensors_.back().second.bytes.size();
  if (begin < expected) fail(tensor.name, fmt::format("overlaps tensor {}", tensors_.back().first));
  if (begin > expected && gaps_ == Gaps::kRefuse)
    fail(tensor.name, fmt::format("begins at byte {}, after a gap from byte {}", begin, expected));
  const TypeName* type = find_type(tensor.dtype);
  if (type == nullptr)
    fail(tensor.name, fmt::format("its dtype is '{}', which is not read", tensor.dtype));
  const size_t size = element_size(type->type);
  const std::optional<int64_t> count = count_elements(tensor.shape);
  if (!count || static_cast<uint64_t>(*count) != (end - begin) / size ||
      (end - begin) % size != 0) {
    fail(tensor.name, fmt::format("shape {} of {} does not take the {} bytes that it has",
                                  shape_text(tensor.shape), element_name(type->type), end - begin));
  }
  if (begin % size != 0)
    fail(tensor.name, fmt::format("begins at byte {}, which is misaligned", begin));
  tensors_.emplace_back(
      tensor.name, ArrayView{type->type, tensor.shape, data.subspan(begin, end - begin), owner});
}

const ArrayView* SafetensorsFile::find(std::string_view name) const {
  const auto found =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [&](size_t i, std::string_view n) { return tensors_[i].first < n; });
  return found != by_name_.end() && tensors_[*found].first == name ? &tensors_[*found].second
                                                                   : nullptr;
}

void write_safetensors(const std::filesystem::path& path,
                       std::span<const std::pair<std::string, ArrayView>> tensors,
                       const SafetensorsFile::Metadata& metadata) {
  std::vector<const std::pair<std::string, ArrayView>*> order;
  for (const auto& tensor : tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return element_size(a->second.type) > element_size(b->second.type);
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  for (const auto& [key, value] : metadata) header["__metadata__"][key] = value;
  uint64_t end = 0;
  for (const auto* tensor : order) {
    const ArrayView& array = tensor->second;
    const uint64_t begin = std::exchange(end, end + array.bytes.size());
    header[tensor->first] = {{"dtype", type_name_of(array.type)},
                             {"shape", array.shape},
                             {"data_offsets", {begin, end}}};
  }
  using Json = nlohmann::ordered_json;
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the tensors are aligned in the file

  AtomicFile file(path);
  std::string size;
  append_number<uint64_t>(size, text.size());
  file.write(size);
  file.write(text);
  for (const auto* tensor : order) file.write(as_text(tensor->second.bytes));
  file.commit();
}

}  // namespace precis
