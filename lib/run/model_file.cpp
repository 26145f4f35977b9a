#include "lib/run/model_file.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <map>

#include "lib/base/errors.h"
#include "lib/checkpoint/tensors.h"
#include "lib/config/config_file.h"
#include "lib/formats/pt_file.h"
#include "lib/model/huggingface.h"
#include "lib/run/optimizer_order.h"

namespace precis {
namespace {

constexpr const char* kHead = "lm_head.weight";

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw DataError(fmt::format("{}: {}", where, what));
}

const Value& need(const Value& dict, const char* key, const std::string& where) {
  const Value* found = dict.find(key);
  if (found == nullptr)
    refuse(where,
           fmt::format("has no entry '{}', which a checkpoint of nanoGPT or Precis has", key));
  return *found;
}

int64_t need_integer(const Value& dict, const char* key, const std::string& where) {
  const auto number = need(dict, key, where).integer();
  if (!number || *number < 1 || *number > (int64_t{1} << 40))
    refuse(where, fmt::format("entry '{}' is {}, expected a positive integer", key,
                              need(dict, key, where).kind_name()));
  return *number;
}

const std::string* text(const Value* value) {
  return value == nullptr ? nullptr : value->get_if<std::string>();
}

/// nanoGPT's state dict into one flat tensor.
at::Tensor read_weights(const Value& model, const ParameterLayout& layout,
                        const std::string& where) {
  const auto* entries = model.get_if<Value::Dict>();
  if (entries == nullptr)
    refuse(where, fmt::format("entry 'model' is {}, expected a state dict", model.kind_name()));
  std::map<std::string, const ArrayView*> arrays;
  for (const DictItem& item : entries->items) {
    std::string name = std::get_if<std::string>(&item.key) != nullptr
                           ? std::get<std::string>(item.key)
                           : key_text(item.key);
    if (name.starts_with("_orig_mod.")) name = name.substr(10);
    if (name.ends_with(".attn.bias"))
      continue;  // the causal mask that nanoGPT keeps without flash attention
    const auto* array = item.value.get_if<ArrayView>();
    if (array == nullptr)
      refuse(where,
             fmt::format("parameter {} is {}, expected a tensor", name, item.value.kind_name()));
    arrays[name] = array;
  }
  at::Tensor flat = at::empty({layout.numel()}, at::kFloat);
  for (const ParameterSlot& slot : layout.slots()) {
    const auto found = arrays.find(slot.name);
    if (found == arrays.end()) refuse(where, fmt::format("parameter {} is missing", slot.name));
    if (found->second->shape != slot.shape)
      refuse(where, fmt::format("parameter {} has shape {}, expected {}", slot.name,
                                shape_text(found->second->shape), shape_text(slot.shape)));
    layout.view(flat, slot).copy_(to_tensor(*found->second));
    arrays.erase(found);
  }
  arrays.erase(kHead);
  if (!arrays.empty())
    refuse(where, fmt::format("parameter {} is none of this model's", arrays.begin()->first));
  return flat;
}

std::optional<OptimizerMoments> read_optimizer(const Value* optimizer,
                                               const ParameterLayout& layout,
                                               const std::string& where, int64_t* steps) {
  const Value* state = optimizer == nullptr ? nullptr : optimizer->find("state");
  const auto* entries = state == nullptr ? nullptr : state->get_if<Value::Dict>();
  if (entries == nullptr || entries->items.empty()) return std::nullopt;
  const OptimizerOrder order(layout);
  OptimizerMoments moments{at::zeros({layout.numel()}, at::kFloat),
                           at::zeros({layout.numel()}, at::kFloat)};
  for (size_t i = 0; i < order.slots.size(); ++i) {
    const ParameterSlot& slot = layout.slots()[order.slots[i]];
    const Value* entry = state->find(static_cast<int64_t>(i));
    if (entry == nullptr)
      refuse(where, fmt::format("the optimizer has no state of parameter {} ({})", i, slot.name));
    for (auto [key, flat] :
         {std::pair{"exp_avg", &moments.exp_avg}, std::pair{"exp_avg_sq", &moments.exp_avg_sq}}) {
      const auto* array = need(*entry, key, where).get_if<ArrayView>();
      if (array == nullptr || array->shape != slot.shape)
        refuse(where,
               fmt::format("the optimizer's {} of parameter {} ({}) has shape {}, expected {}", key,
                           i, slot.name, array == nullptr ? "none" : shape_text(array->shape),
                           shape_text(slot.shape)));
      layout.view(*flat, slot).copy_(to_tensor(*array));
    }
    const auto step = need(*entry, "step", where).number();
    if (!step) refuse(where, fmt::format("the optimizer's step of parameter {} is no number", i));
    *steps = static_cast<int64_t>(*step);
  }
  return moments;
}

/// Ours, under `precis`.
void read_own(const Value& own, ModelFile& model) {
  if (const std::string* activation = text(own.find("activation")))
    model.shape.gelu_tanh = *activation == "gelu_new";
  if (const Value* epsilon = own.find("layer_norm_epsilon"))
    model.shape.layer_norm_epsilon = epsilon->number().value_or(1e-5);
  const std::string *vocab = text(own.find("vocab_json")), *merges = text(own.find("merges_txt"));
  if (vocab != nullptr && merges != nullptr) model.tokenizer = TokenizerTexts{*vocab, *merges};
  if (const std::string* settings = text(own.find("settings"))) {
    PromptConfig prompt;
    GenerationConfig generation;
    load_config_text({{"progress", model.progress.fields()},
                      {"prompt", prompt.fields()},
                      {"generation", generation.fields()}},
                     *settings, model.where + ": precis.settings", {});
    model.prompt = prompt;
    model.generation = generation;
  }
}

/// generation_config.json's settings that are ours too; without do_sample its temperature does not
/// count.
GenerationConfig generation_defaults(const Value& json) {
  GenerationConfig config;
  for (const Field& field : config.fields()) {
    const Value* value = json.find(field.name);
    if (value == nullptr) continue;
    if (const auto number = value->number(); number && field.name != "temperature")
      assign(field, fmt::format("{}", *number));
    if (const bool* flag = value->get_if<bool>()) assign(field, *flag ? "true" : "false");
  }
  const Value *samples = json.find("do_sample"), *temperature = json.find("temperature");
  if (samples != nullptr && samples->number().value_or(0) != 0)
    config.temperature = temperature != nullptr ? temperature->number().value_or(1) : 1;
  if (!config.samples()) config.top_k = 0, config.top_p = 1;
  return config;
}

}  // namespace

Fields Progress::fields() {
  return {
      {"iter", &iter, "optimizer steps done"},
      {"best_val_loss", &best_val_loss, "validation loss of ckpt.pt"},
      {"best_metric", &best_metric, "eval.metric of ckpt.pt, larger is better"},
      {"best_iter", &best_iter, "steps done at ckpt.pt"},
      {"stale_evaluations", &stale_evaluations, "evaluations since the metric last became better"},
      {"evaluated_iter", &evaluated_iter, "steps done at the last evaluation"},
      {"loss_scale", &loss_scale, "of float16"},
      {"good_steps", &good_steps, "since the loss scale last changed"},
      {"micro_batch_tokens", &micro_batch_tokens, "in use"},
      {"optimizer_steps", &optimizer_steps, "AdamW's count"},
      {"finished", &finished, "training is done"},
  };
}

ModelFile read_checkpoint(const std::filesystem::path& path) {
  ModelFile model;
  model.where = std::filesystem::absolute(path).string();
  model.is_checkpoint = true;
  const Value root = read_pt(path);
  const Value& args = need(root, "model_args", model.where);
  GptShape& shape = model.shape;
  shape.n_layer = need_integer(args, "n_layer", model.where);
  shape.n_head = need_integer(args, "n_head", model.where);
  shape.n_embd = need_integer(args, "n_embd", model.where);
  shape.block_size = need_integer(args, "block_size", model.where);
  shape.vocab_size = need_integer(args, "vocab_size", model.where);
  if (shape.n_layer > 10000 || shape.n_embd % shape.n_head != 0)
    refuse(model.where, fmt::format("model_args: n_layer {}, n_head {}, n_embd {} make no GPT-2",
                                    shape.n_layer, shape.n_head, shape.n_embd));
  const Value* bias = args.find("bias");
  shape.bias = bias == nullptr || bias->number().value_or(1) != 0;
  if (const Value* dropout = args.find("dropout")) shape.dropout = dropout->number().value_or(0);
  const Value* own = root.find("precis");
  if (own != nullptr) read_own(*own, model);
  // Sizes from the file are only believed once the tensors that are there have them.
  const Value* wte = need(root, "model", model.where).find("transformer.wte.weight");
  if (wte == nullptr)
    wte = need(root, "model", model.where).find("_orig_mod.transformer.wte.weight");
  const auto* table = wte == nullptr ? nullptr : wte->get_if<ArrayView>();
  if (table == nullptr || table->shape != std::vector<int64_t>{shape.vocab_size, shape.n_embd})
    refuse(model.where,
           fmt::format("parameter transformer.wte.weight has shape {}, expected {} by model_args",
                       table == nullptr ? "none" : shape_text(table->shape),
                       shape_text(std::vector<int64_t>{shape.vocab_size, shape.n_embd})));
  const auto blocks = need(root, "model", model.where).get_if<Value::Dict>()->items.size() / 2;
  if (static_cast<size_t>(shape.n_layer) > blocks)
    refuse(
        model.where,
        fmt::format("model_args say n_layer {}, but the parameters of so many blocks are not there",
                    shape.n_layer));
  const ParameterLayout layout = model.layout();
  model.flat = read_weights(need(root, "model", model.where), layout, model.where);
  model.progress.iter = need(root, "iter_num", model.where).integer().value_or(0);
  int64_t steps = model.progress.iter;
  model.optimizer = read_optimizer(root.find("optimizer"), layout, model.where, &steps);
  model.progress.optimizer_steps = steps;
  if (own == nullptr) {
    if (const Value* best = root.find("best_val_loss"))
      model.progress.best_val_loss = best->number().value_or(1e9);
    model.progress.best_metric = -model.progress.best_val_loss;
  }
  return model;
}

ModelFile read_model_folder(const std::filesystem::path& folder) {
  ImportedModel imported = read_hugging_face(folder);
  ModelFile model;
  model.where = std::filesystem::absolute(folder).string();
  model.shape = imported.shape;
  const ParameterLayout layout = model.layout();
  model.flat = at::empty({layout.numel()}, at::kFloat);
  std::map<std::string, at::Tensor> by_name(imported.parameters.begin(), imported.parameters.end());
  for (const ParameterSlot& slot : layout.slots()) {
    if (by_name.contains(slot.name))
      layout.view(model.flat, slot).copy_(by_name[slot.name]);
    else
      refuse(model.where, fmt::format("parameter {} is missing", slot.name));
  }
  model.generation = generation_defaults(imported.generation);
  return model;
}

ModelFile load_model(const std::string& name) {
  const std::filesystem::path path = resolve_model(name);
  return std::filesystem::is_directory(path) ? read_model_folder(path) : read_checkpoint(path);
}

BpeTokenizer tokenizer_of(const ModelFile& model, const std::filesystem::path& dir) {
  if (model.tokenizer)
    return BpeTokenizer::parse(model.tokenizer->vocab_json, model.tokenizer->merges_txt,
                               model.where);
  const std::filesystem::path beside = model.is_checkpoint
                                           ? std::filesystem::path(model.where).parent_path()
                                           : std::filesystem::path(model.where);
  if (std::filesystem::exists(beside / "vocab.json")) return BpeTokenizer::load(beside);
  if (!dir.empty()) return BpeTokenizer::load(dir);
  refuse(model.where, fmt::format("has no vocabulary inside it, and there is no vocab.json in {}: "
                                  "name a folder with vocab.json and merges.txt by tokenizer.dir",
                                  beside.string()));
}

void crop_positions(ModelFile& model, int64_t block_size) {
  if (block_size >= model.shape.block_size) return;
  const ParameterLayout before = model.layout();
  model.shape.block_size = block_size;
  const ParameterLayout after = model.layout();
  const auto crop = [&](at::Tensor& flat) {
    const at::Tensor smaller = at::empty({after.numel()}, at::kFloat);
    for (size_t i = 0; i < before.slots().size(); ++i) {
      const at::Tensor old = before.view(flat, before.slots()[i]),
                       fresh = after.view(smaller, after.slots()[i]);
      fresh.copy_(old.narrow(0, 0, fresh.size(0)));
    }
    flat = smaller;
  };
  crop(model.flat);
  if (model.optimizer) crop(model.optimizer->exp_avg), crop(model.optimizer->exp_avg_sq);
}

}  // namespace precis
