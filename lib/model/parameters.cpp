#include "lib/model/parameters.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lib/base/random.h"

namespace precis {

void ParameterLayout::add(const std::string& name, std::vector<int64_t> shape) {
  ParameterSlot slot{name, std::move(shape), numel_, 1};
  for (const int64_t extent : slot.shape) slot.numel *= extent;
  numel_ += slot.numel;
  slots_.push_back(std::move(slot));
}

ParameterLayout::ParameterLayout(const GptShape& shape) : shape_(shape) {
  const int64_t c = shape.n_embd;
  const auto vectors = [&](const std::string& name, int64_t size) {
    if (shape.bias) add(name + ".bias", {size});
  };
  add("transformer.ln_f.weight", {c});
  vectors("transformer.ln_f", c);
  stage_ends_.push_back(numel_);
  for (int64_t l = shape.n_layer - 1; l >= 0; --l) {
    const std::string h = fmt::format("transformer.h.{}.", l);
    add(h + "mlp.c_proj.weight", {c, 4 * c});
    add(h + "mlp.c_fc.weight", {4 * c, c});
    add(h + "attn.c_proj.weight", {c, c});
    add(h + "attn.c_attn.weight", {3 * c, c});
    vectors(h + "mlp.c_proj", c);
    vectors(h + "mlp.c_fc", 4 * c);
    add(h + "ln_2.weight", {c});
    vectors(h + "ln_2", c);
    vectors(h + "attn.c_proj", c);
    vectors(h + "attn.c_attn", 3 * c);
    add(h + "ln_1.weight", {c});
    vectors(h + "ln_1", c);
    stage_ends_.push_back(numel_);
  }
  add("transformer.wpe.weight", {shape.block_size, c});
  add(kEmbeddingName, {shape.vocab_size, c});
  stage_ends_.push_back(numel_);

  std::map<std::string, size_t> index;
  for (size_t i = 0; i < slots_.size(); ++i) index[slots_[i].name] = i;
  const auto named = [&](const std::string& name) {
    for (const char* kind : {".weight", ".bias"})
      if (const auto at = index.find(name + kind); at != index.end())
        named_order_.push_back(at->second);
  };
  named("transformer.wte");
  named("transformer.wpe");
  for (int64_t l = 0; l < shape.n_layer; ++l)
    for (const char* part :
         {"ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"})
      named(fmt::format("transformer.h.{}.{}", l, part));
  named("transformer.ln_f");
}

at::Tensor ParameterLayout::view(const at::Tensor& flat, const ParameterSlot& slot) const {
  return flat.narrow(0, slot.offset, slot.numel).view(slot.shape);
}

GptTensors ParameterLayout::view(const at::Tensor& flat) const {
  std::map<std::string, at::Tensor> by_name;
  for (const ParameterSlot& slot : slots_) by_name[slot.name] = view(flat, slot);
  GptTensors all;
  all.wte = by_name[kEmbeddingName];
  all.wpe = by_name["transformer.wpe.weight"];
  all.ln_f_weight = by_name["transformer.ln_f.weight"];
  all.ln_f_bias = by_name["transformer.ln_f.bias"];
  for (int64_t l = 0; l < shape_.n_layer; ++l) {
    const auto part = [&](const char* name) {
      return by_name[fmt::format("transformer.h.{}.{}", l, name)];
    };
    all.blocks.push_back({part("ln_1.weight"), part("ln_1.bias"), part("attn.c_attn.weight"),
                          part("attn.c_attn.bias"), part("attn.c_proj.weight"),
                          part("attn.c_proj.bias"), part("ln_2.weight"), part("ln_2.bias"),
                          part("mlp.c_fc.weight"), part("mlp.c_fc.bias"), part("mlp.c_proj.weight"),
                          part("mlp.c_proj.bias")});
  }
  return all;
}

at::Tensor initial_parameters(const ParameterLayout& layout, uint64_t seed) {
  at::Tensor flat = at::zeros({layout.numel()}, at::kFloat);
  auto* values = flat.data_ptr<float>();
  const auto residual_std = 0.02 / std::sqrt(2.0 * static_cast<double>(layout.shape().n_layer));
  const auto& order = layout.named_order();
  for (size_t i = 0; i < order.size(); ++i) {
    const ParameterSlot& slot = layout.slots()[order[i]];
    float* begin = values + slot.offset;
    if (!slot.is_matrix()) {
      if (slot.name.ends_with(".weight")) std::fill_n(begin, slot.numel, 1.0F);
      continue;
    }
    const double std = slot.name.ends_with("c_proj.weight") ? residual_std : 0.02;
    constexpr int64_t kPiece =
        1 << 14;  // each piece has a stream of its own, so that threads share the work
    at::parallel_for(0, (slot.numel + kPiece - 1) / kPiece, 1, [&](int64_t from, int64_t to) {
      for (int64_t piece = from; piece < to; ++piece) {
        RandomStream stream(mix_key({seed, i, static_cast<uint64_t>(piece)}));
        const int64_t end = std::min(slot.numel, (piece + 1) * kPiece);
        for (int64_t k = piece * kPiece; k < end; ++k)
          begin[k] = static_cast<float>(std * stream.normal());
      }
    });
  }
  return flat;
}

}  // namespace precis
