#include "lib/checkpoint/weight_table.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "lib/base/errors.h"
#include "lib/formats/printable.h"
#include "lib/tensor/arrays.h"

namespace precis {

namespace {

constexpr std::string_view kWrappers[] = {"module", "_orig_mod", "_fsdp_wrapped_module",
                                          "_checkpoint_wrapped_module"};

bool is_wrapper(std::string_view part) {
  return std::find(std::begin(kWrappers), std::end(kWrappers), part) != std::end(kWrappers);
}

std::string without_wrappers(std::string_view name) {
  std::string plain;
  for (size_t start = 0; start <= name.size();) {
    const size_t end = std::min(name.find('.', start), name.size());
    const std::string_view part = name.substr(start, end - start);
    if (!is_wrapper(part)) {
      if (!plain.empty()) plain += '.';
      plain += part;
    }
    start = end + 1;
  }
  return plain;
}

/// Byte for byte, or, where a file mixes types, by value.
bool equal(const ArrayView& a, const ArrayView& b) {
  if (a.shape != b.shape) return false;
  if (a.type == b.type) return std::ranges::equal(a.bytes, b.bytes);
  return to_tensor_in_place(a).to(at::kFloat).equal(to_tensor_in_place(b).to(at::kFloat));
}

std::string shown(const FileTensor& tensor) {
  return fmt::format("{}: parameter {}", tensor.file, printable(tensor.name));
}

}  // namespace

std::string plain_name(std::string_view name, const ModelFamily& family) {
  std::string plain = without_wrappers(name);
  const std::string_view prefix = family.body_prefix();
  return plain.starts_with(prefix) ? plain.substr(prefix.size()) : plain;
}

void WeightTable::add(const std::string& file, const std::string& name, const ArrayView& array) {
  files_.insert(file);
  const auto [place, is_new] = tensors_.try_emplace(plain(name), FileTensor{name, file, array});
  if (is_new) return;
  const FileTensor& other = place->second;
  throw DataError(fmt::format("{}: parameter {} is there twice: also as {}{}", file,
                              printable(name), printable(other.name),
                              other.file == file ? "" : fmt::format(" in {}", other.file)));
}

const FileTensor* WeightTable::find(std::string_view name) const {
  const auto found = tensors_.find(plain(name));
  return found == tensors_.end() ? nullptr : &found->second;
}

std::string WeightTable::first_file() const {
  return files_.empty() ? "the model" : *files_.begin();
}

void WeightTable::fail_missing(const std::string& name) const {
  const std::string ending = fmt::format(".{}", plain(name));
  const auto similar = std::ranges::find_if(
      tensors_, [&](const auto& tensor) { return tensor.first.ends_with(ending); });
  std::string hint;
  if (similar != tensors_.end())
    hint = fmt::format(
        "; there is {}, whose prefix is not known: save the state dict of the {} itself",
        printable(similar->second.name), family_->title());
  throw DataError(fmt::format("{}: parameter {} is missing{}", first_file(), name, hint));
}

FileTensor WeightTable::take_one(const ParameterSlot& slot, MatrixOrder order) {
  auto found = tensors_.find(plain(slot.name));
  // Of the tied matrix's two names some writers keep the head's.
  if (const auto tied = family_->tied_head();
      found == tensors_.end() && slot.name == tied.parameter)
    found = tensors_.find(tied.head);
  if (found == tensors_.end()) fail_missing(slot.name);
  FileTensor tensor = std::move(found->second);
  tensors_.erase(found);
  std::vector<int64_t> expected = slot.shape;
  if (order == MatrixOrder::kInOut && family_->is_transposed(slot.name))
    std::reverse(expected.begin(), expected.end());
  if (tensor.array.shape != expected)
    throw DataError(fmt::format("{} has shape {}, expected {}", shown(tensor),
                                shape_text(tensor.array.shape), shape_text(expected)));
  if (!is_floating_point(tensor.array.type))
    throw DataError(fmt::format("{} is of type {}, expected a floating-point type", shown(tensor),
                                element_name(tensor.array.type)));
  return tensor;
}

void WeightTable::drop_equal_head(const FileTensor& tied) {
  const auto head = tensors_.find(family_->tied_head().head);
  if (head == tensors_.end()) return;
  if (!equal(head->second.array, tied.array))
    throw DataError(fmt::format(
        "{} differs from {}: only models whose head is tied to the embedding are supported",
        shown(head->second), printable(tied.name)));
  tensors_.erase(head);
}

void WeightTable::refuse_rest_of_body(const ModelShape& shape) const {
  for (const auto& [name, tensor] : tensors_) {
    const bool under_prefix = !family_->body_prefix().empty() &&
                              without_wrappers(tensor.name).starts_with(family_->body_prefix());
    if (!under_prefix && !family_->is_of_body(name)) continue;
    throw DataError(fmt::format("{} is none of this model's, a {} of {}", shown(tensor),
                                family_->title(), shape.words()));
  }
}

void WeightTable::check_memory(uint64_t bytes) const {
  uint64_t held = 0;
  for (const std::string& file : files_) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    held += error ? 0 : size;
  }
  if (bytes <= held) return;
  throw DataError(fmt::format("{}: parameters share their memory, which no {}'s do but the head's",
                              first_file(), family_->title()));
}

std::vector<FileTensor> WeightTable::take(const ModelShape& shape, MatrixOrder order) {
  std::erase_if(tensors_, [&](const auto& tensor) { return family_->is_ignored(tensor.first); });
  // Each layer needs tensors of its own: a made-up number of layers must not make a list of names
  // first.
  if (static_cast<uint64_t>(shape.num_layers()) > tensors_.size())
    throw DataError(fmt::format("{}: holds {} tensors, but n_layer is {}", first_file(),
                                tensors_.size(), shape.num_layers()));
  const ParameterTable table = shape.parameters();
  std::vector<FileTensor> taken(table.slots().size());
  uint64_t bytes = 0;
  for (const size_t index : table.file_order()) {
    const ParameterSlot& slot = table.slots()[index];
    taken[index] = take_one(slot, order);
    bytes += taken[index].array.bytes.size();
    if (slot.name == family_->tied_head().parameter) drop_equal_head(taken[index]);
  }
  refuse_rest_of_body(shape);
  check_memory(bytes);
  return taken;
}

std::string WeightTable::left_out() const {
  if (tensors_.empty()) return {};
  constexpr size_t kMostNames = 5;
  std::string names;
  size_t count = 0;
  for (const auto& [plain, tensor] : tensors_) {
    if (count == kMostNames) break;
    names += fmt::format("{}{}", count++ == 0 ? "" : ", ", printable(tensor.name));
  }
  const size_t more = tensors_.size() - count;
  return fmt::format("{}: left out what is no part of {}: {}{}", first_file(), family_->title(),
                     names, more > 0 ? fmt::format(" and {} more", more) : "");
}

}  // namespace precis
