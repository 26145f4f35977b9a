#include "lib/model/parameter_table.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <stdexcept>
#include <utility>

#include "lib/base/errors.h"
#include "lib/base/random.h"

namespace precis {

ParameterTable::ParameterTable(std::vector<Parameter> in_flat_order,
                               const std::vector<std::string>& in_file_order) {
  std::map<std::string, size_t> places;
  for (Parameter& parameter : in_flat_order) {
    ParameterSlot slot{std::move(parameter)};
    slot.numel = 1;
    for (const int64_t extent : slot.shape) slot.numel *= extent;
    places[slot.name] = slots_.size();
    slots_.push_back(std::move(slot));
  }
  for (const std::string& name : in_file_order) file_order_.push_back(places.at(name));
  assert(file_order_.size() == slots_.size() && places.size() == slots_.size());
  place();
}

void ParameterTable::place() {
  numel_ = trainable_numel_ = 0;
  stage_ends_.clear();
  for (ParameterSlot& slot : slots_) {
    assert(slot.stage >= num_stages() - 1);
    while (num_stages() < slot.stage) stage_ends_.push_back(trainable_numel_);
    slot.offset = numel_;
    slot.gradient_offset = trainable_numel_;
    numel_ += slot.numel;
    if (slot.trainable) trainable_numel_ += slot.numel;
    stage_ends_.resize(static_cast<size_t>(slot.stage) + 1);
    stage_ends_.back() = trainable_numel_;
  }
}

ParameterTable ParameterTable::with_frozen(std::span<const std::string> names) const {
  ParameterTable table = *this;
  for (ParameterSlot& slot : table.slots_) slot.trainable = true;
  for (const std::string& name : names) {
    if (!has(name))
      throw DataError(
          fmt::format("parameter {} is to be frozen, but the model has none of that name", name));
    table.slots_[index(name)].trainable = false;
  }
  table.place();
  return table;
}

bool ParameterTable::has(std::string_view name) const {
  return std::ranges::find(slots_, name, &ParameterSlot::name) != slots_.end();
}

size_t ParameterTable::index(std::string_view name) const {
  const auto found = std::ranges::find(slots_, name, &ParameterSlot::name);
  if (found == slots_.end()) throw std::out_of_range(fmt::format("no parameter {}", name));
  return static_cast<size_t>(found - slots_.begin());
}

std::vector<std::string> ParameterTable::frozen() const {
  std::vector<std::string> names;
  for (const ParameterSlot& slot : slots_)
    if (!slot.trainable) names.push_back(slot.name);
  return names;
}

at::Tensor ParameterTable::view(const at::Tensor& weights, const ParameterSlot& slot) const {
  return weights.narrow(0, slot.offset, slot.numel).view(slot.shape);
}

at::Tensor ParameterTable::gradient_view(const at::Tensor& gradients,
                                         const ParameterSlot& slot) const {
  if (!slot.trainable) return {};
  return gradients.narrow(0, slot.gradient_offset, slot.numel).view(slot.shape);
}

std::vector<at::Tensor> ParameterTable::views(const at::Tensor& weights) const {
  std::vector<at::Tensor> all;
  for (const ParameterSlot& slot : slots_) all.push_back(view(weights, slot));
  return all;
}

Gradients ParameterTable::gradient_views(const at::Tensor& gradients) const {
  Gradients all;
  for (const ParameterSlot& slot : slots_) all.push_back(gradient_view(gradients, slot));
  return all;
}

at::Tensor initial_parameters(const ParameterTable& table, uint64_t seed) {
  at::Tensor flat = at::empty({table.numel()}, at::kFloat);
  auto* values = flat.data_ptr<float>();
  const auto& order = table.file_order();
  for (size_t i = 0; i < order.size(); ++i) {
    const ParameterSlot& slot = table.slots()[order[i]];
    float* begin = values + slot.offset;
    const auto [mean, std] = slot.start;
    if (std == 0) {
      std::fill_n(begin, slot.numel, static_cast<float>(mean));
      continue;
    }
    constexpr int64_t kPiece =
        1 << 14;  // each piece has a stream of its own, so that threads share the work
    at::parallel_for(0, (slot.numel + kPiece - 1) / kPiece, 1, [&](int64_t from, int64_t to) {
      for (int64_t piece = from; piece < to; ++piece) {
        RandomStream stream(mix_key({seed, i, static_cast<uint64_t>(piece)}));
        const int64_t end = std::min(slot.numel, (piece + 1) * kPiece);
        for (int64_t k = piece * kPiece; k < end; ++k)
          begin[k] = static_cast<float>(slot.start.mean + slot.start.std * stream.normal());
      }
    });
  }
  return flat;
}

}  // namespace precis
