#include "lib/model/gpt2/gpt2_config_json.h"

#include <fmt/format.h>

#include "lib/base/errors.h"
#include "lib/formats/printable.h"

namespace precis {

namespace {

/// A config.json, its keys read with type and range.
class ConfigReader {
 public:
  ConfigReader(const Value& config, const std::string& file) : config_(config), file_(file) {}

  [[noreturn]] void fail(std::string_view what) const {
    throw DataError(fmt::format("{}: {}", file_, printable(what)));
  }

  const Value* find(std::string_view key) const {
    const Value* value = config_.find(key);
    return value == nullptr || value->is_none() ? nullptr : value;
  }

  int64_t count(std::string_view key, int64_t otherwise, int64_t most) const {
    const Value* value = find(key);
    if (value == nullptr) return otherwise;
    const auto* number = value->get_if<int64_t>();
    if (number == nullptr)
      fail(fmt::format("{} should be an integer and is {}", key, value->kind_name()));
    if (*number < 1 || *number > most) {
      fail(fmt::format("{} is {}; expected 1 to {}", key, *number, most));
    }
    return *number;
  }

  double number(std::string_view key, double otherwise) const {
    const Value* value = find(key);
    if (value == nullptr) return otherwise;
    const std::optional<double> number = value->number();
    if (!number) fail(fmt::format("{} should be a number and is {}", key, value->kind_name()));
    return *number;
  }

  std::string text(std::string_view key) const {
    const Value* value = find(key);
    if (value == nullptr) return {};
    const auto* content = value->get_if<std::string>();
    if (content == nullptr)
      fail(fmt::format("{} should be a text and is {}", key, value->kind_name()));
    return *content;
  }

  /// Refuses a switch that is not as this project's GPT-2 has it.
  void require(std::string_view key, bool expected) const {
    const Value* value = find(key);
    if (value == nullptr) return;
    const auto* flag = value->get_if<bool>();
    if (flag == nullptr)
      fail(fmt::format("{} should be true or false and is {}", key, value->kind_name()));
    if (*flag == expected) return;
    fail(fmt::format("{} is {}, which is not supported; only {} is", key, *flag, expected));
  }

 private:
  const Value& config_;
  const std::string& file_;
};

void check_architecture(const ConfigReader& config) {
  std::string architecture = config.text("model_type");
  if (architecture.empty()) {
    const Value* names = config.find("architectures");
    const auto* list = names == nullptr ? nullptr : names->get_if<Value::List>();
    const auto* name =
        list == nullptr || list->items.empty() ? nullptr : list->items[0].get_if<std::string>();
    if (name == nullptr) config.fail("has no model_type; expected gpt2");
    architecture = name->starts_with("GPT2") ? "gpt2" : *name;
  }
  if (architecture != "gpt2") {
    config.fail(fmt::format("is of a model of type {}; only gpt2 is supported", architecture));
  }
}

bool is_tanh(const ConfigReader& config) {
  const std::string activation = config.text("activation_function");
  if (activation.empty() || activation == "gelu_new" || activation == "gelu_pytorch_tanh")
    return true;
  if (activation == "gelu") return false;
  config.fail(
      fmt::format("activation_function is '{}'; supported are gelu and gelu_new", activation));
}

}  // namespace

GptShape shape_of_config(const Value& content, const std::string& file) {
  const ConfigReader config(content, file);
  if (content.get_if<Value::Dict>() == nullptr) config.fail("is no JSON object");
  check_architecture(config);
  config.require("scale_attn_weights", true);
  config.require("scale_attn_by_inverse_layer_idx", false);
  config.require("reorder_and_upcast_attn", false);
  config.require("add_cross_attention", false);
  GptShape shape;
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
  return shape;
}

Value config_of_shape(const GptShape& shape, int64_t end_id) {
  Value config = Value::dict();
  config.set("architectures", Value::List{{"GPT2LMHeadModel"}});
  config.set("model_type", "gpt2");
  config.set("activation_function", shape.gelu_tanh ? "gelu_new" : "gelu");
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
