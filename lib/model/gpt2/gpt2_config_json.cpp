// config.json of a Hugging Face GPT-2 folder. Reference: transformers' configuration_gpt2.py.
#include <fmt/format.h>

#include "lib/model/config_json.h"
#include "lib/model/gpt2/gpt2_family.h"
#include "lib/model/gpt2/gpt2_shape.h"

namespace precis {
namespace {

bool is_tanh(const ConfigJson& config) {
  const std::string activation = config.text("activation_function");
  if (activation.empty() || activation == "gelu_new" || activation == "gelu_pytorch_tanh")
    return true;
  if (activation == "gelu") return false;
  config.fail(
      fmt::format("activation_function is '{}'; supported are gelu and gelu_new", activation));
}

}  // namespace

AnyShape Gpt2Family::from_config_json(const Value& content, const std::string& file) const {
  const ConfigJson config(content, file);
  config.require("scale_attn_weights", true);
  config.require("scale_attn_by_inverse_layer_idx", false);
  config.require("reorder_and_upcast_attn", false);
  config.require("add_cross_attention", false);
  Gpt2Shape shape;
  // The limits only keep products of hostile numbers within 63 bits; the weights must have these
  // sizes anyway.
  shape.n_layer = config.count("n_layer", shape.n_layer, 10'000);
  shape.n_head = config.count("n_head", shape.n_head, 100'000);
  shape.n_embd = config.count("n_embd", shape.n_embd, 1'000'000);
  shape.block_size =
      config.count("n_positions", config.count("n_ctx", 1024, 1'000'000'000), 1'000'000'000);
  shape.vocab_size = config.count("vocab_size", shape.vocab_size, 1'000'000'000);
  shape.dropout = config.number("resid_pdrop", 0.1);
  shape.gelu_tanh = is_tanh(config);
  shape.layer_norm_epsilon = config.number("layer_norm_epsilon", 1e-5);
  if (!(shape.dropout >= 0 && shape.dropout < 1)) {
    config.fail(fmt::format("resid_pdrop is {}; expected at least 0 and below 1", shape.dropout));
  }
  if (!(shape.layer_norm_epsilon > 0 && shape.layer_norm_epsilon < 1)) {
    config.fail(fmt::format("layer_norm_epsilon is {}; expected above 0 and below 1",
                            shape.layer_norm_epsilon));
  }
  if (shape.n_embd % shape.n_head != 0) {
    config.fail(fmt::format("n_embd {} is no multiple of n_head {}", shape.n_embd, shape.n_head));
  }
  if (const int64_t inner = config.count("n_inner", 4 * shape.n_embd, 4'000'000);
      inner != 4 * shape.n_embd) {
    config.fail(fmt::format("n_inner is {}, which is not supported; only 4 n_embd ({}) is", inner,
                            4 * shape.n_embd));
  }
  return shape.clone();
}

Value Gpt2Family::to_config_json(const ModelShape& any, int64_t end_id) const {
  const auto& shape = Gpt2Shape::of(any);
  Value config = Value::dict();
  config.set("architectures", Value::List{{"GPT2LMHeadModel"}});
  config.set("model_type", "gpt2");
  config.set("activation_function", shape.activation());
  for (const char* key : {"attn_pdrop", "embd_pdrop", "resid_pdrop"})
    config.set(key, shape.dropout);
  config.set("bos_token_id", end_id);
  config.set("eos_token_id", end_id);
  config.set("initializer_range", 0.02);
  config.set("layer_norm_epsilon", shape.layer_norm_epsilon);
  config.set("n_ctx", shape.block_size);
  config.set("n_embd", shape.n_embd);
  config.set("n_head", shape.n_head);
  config.set("n_inner", Value());
  config.set("n_layer", shape.n_layer);
  config.set("n_positions", shape.block_size);
  config.set("reorder_and_upcast_attn", false);
  config.set("scale_attn_by_inverse_layer_idx", false);
  config.set("scale_attn_weights", true);
  config.set("tie_word_embeddings", true);
  config.set("torch_dtype", "float32");
  config.set("use_cache", true);
  config.set("vocab_size", shape.vocab_size);
  return config;
}

}  // namespace precis
