#include "lib/model/gpt2/gpt2_family.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/errors.h"
#include "lib/model/gpt2/gpt2_shape.h"

namespace precis {
namespace {

bool begins_with_one_of(std::string_view name, std::initializer_list<std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](auto part) { return name.starts_with(part); });
}

bool ends_with_one_of(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::ranges::any_of(endings, [&](auto part) { return name.ends_with(part); });
}

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw DataError(fmt::format("{}: model_args: {}", file, what));
}

/// An integer from 1 to `most`. The limits only keep products of made-up numbers within 63 bits.
int64_t size_in(const Value& args, const char* key, int64_t most, const std::string& file) {
  const Value* value = args.find(key);
  if (value == nullptr)
    throw DataError(fmt::format(
        "{}: has no entry '{}', which a checkpoint of nanoGPT or Precis has", file, key));
  const auto number = value->integer();
  if (!number) refuse(file, fmt::format("{} is {}, expected an integer", key, value->kind_name()));
  if (*number < 1 || *number > most)
    refuse(file, fmt::format("{} is {}, expected 1 to {}", key, *number, most));
  return *number;
}

}  // namespace

const ModelFamily& gpt2_family() {
  static const Gpt2Family family;
  return family;
}

AnyShape Gpt2Family::from_settings(const ModelSettings& settings, int64_t block_size,
                                   int64_t vocab_size) const {
  Gpt2Shape shape;
  shape.n_layer = settings.n_layer.value_or(shape.n_layer);
  shape.n_head = settings.n_head.value_or(shape.n_head);
  shape.n_embd = settings.n_embd.value_or(shape.n_embd);
  shape.bias = settings.bias.value_or(shape.bias);
  shape.gelu_tanh = settings.activation == "gelu_new";
  shape.dropout = settings.dropout;
  shape.block_size = block_size;
  shape.vocab_size = vocab_size;
  if (shape.n_embd % shape.n_head != 0)
    throw ConfigError(fmt::format("model.n_embd {} is no multiple of model.n_head {}", shape.n_embd,
                                  shape.n_head));
  return shape.clone();
}

AnyShape Gpt2Family::from_checkpoint(const Value& model_args, const Value* precis,
                                     const std::string& file) const {
  Gpt2Shape shape;
  shape.n_layer = size_in(model_args, "n_layer", 10'000, file);
  shape.n_head = size_in(model_args, "n_head", int64_t{1} << 20, file);
  shape.n_embd = size_in(model_args, "n_embd", int64_t{1} << 20, file);
  shape.block_size = size_in(model_args, "block_size", int64_t{1} << 30, file);
  shape.vocab_size = size_in(model_args, "vocab_size", int64_t{1} << 30, file);
  if (shape.n_embd % shape.n_head != 0)
    refuse(file,
           fmt::format("n_embd {} is not a multiple of n_head {}", shape.n_embd, shape.n_head));
  const Value *bias = model_args.find("bias"), *dropout = model_args.find("dropout");
  shape.bias = bias == nullptr || bias->number().value_or(1) != 0;
  if (dropout != nullptr) shape.dropout = dropout->number().value_or(0);
  if (precis == nullptr) return shape.clone();
  if (const Value* activation = precis->find("activation"))
    if (const auto* text = activation->get_if<std::string>()) shape.gelu_tanh = *text == "gelu_new";
  if (const Value* epsilon = precis->find("layer_norm_epsilon"))
    shape.layer_norm_epsilon = epsilon->number().value_or(0);
  if (!(shape.layer_norm_epsilon > 0 && shape.layer_norm_epsilon < 1))
    throw DataError(fmt::format("{}: precis.layer_norm_epsilon is not between 0 and 1", file));
  return shape.clone();
}

CheckpointShape Gpt2Family::to_checkpoint(const ModelShape& any) const {
  const Gpt2Shape& shape = Gpt2Shape::of(any);
  CheckpointShape out;
  out.model_args.set("n_layer", shape.n_layer);
  out.model_args.set("n_head", shape.n_head);
  out.model_args.set("n_embd", shape.n_embd);
  out.model_args.set("block_size", shape.block_size);
  out.model_args.set("bias", shape.bias);
  out.model_args.set("vocab_size", shape.vocab_size);
  out.model_args.set("dropout", shape.dropout);
  out.precis.set("activation", shape.activation());
  out.precis.set("layer_norm_epsilon", shape.layer_norm_epsilon);
  return out;
}

ParameterTable Gpt2Family::exported_parameters(const ModelShape& any) const {
  Gpt2Shape shape = Gpt2Shape::of(any);
  shape.bias = true;
  return shape.parameters();
}

bool Gpt2Family::is_of_body(std::string_view plain_name) const {
  return begins_with_one_of(plain_name, {"h.", "wte.", "wpe.", "ln_f.", "lm_head."});
}

/// The causal mask that old files carry along.
bool Gpt2Family::is_ignored(std::string_view plain_name) const {
  return plain_name.starts_with("h.") &&
         ends_with_one_of(plain_name, {".attn.bias", ".attn.masked_bias"});
}

/// The matrices of transformers' Conv1D.
bool Gpt2Family::is_transposed(std::string_view name) const {
  return ends_with_one_of(
      name, {"attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"});
}

ModelFamily::TiedHead Gpt2Family::tied_head() const {
  return {kGpt2Embedding, kGpt2Head};
}

}  // namespace precis
