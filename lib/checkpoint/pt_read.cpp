// Reading checkpoints: nanoGPT's, and ours, which are nanoGPT's with an entry `precis` more.
// Nothing is allocated by what a file says of itself: shapes are compared with the tensors that are
// there first.
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lib/base/errors.h"
#include "lib/checkpoint/model_file.h"
#include "lib/checkpoint/optimizer_order.h"
#include "lib/checkpoint/weight_table.h"
#include "lib/config/config_file.h"
#include "lib/formats/printable.h"
#include "lib/formats/pt_file.h"
#include "lib/generate/end_tokens.h"
#include "lib/tensor/arrays.h"

namespace precis {
namespace {

constexpr int64_t kMostSteps = int64_t{1} << 53;

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

const std::string* text(const Value* value) {
  return value == nullptr ? nullptr : value->get_if<std::string>();
}

/// An integer from 1 to `most`.
int64_t need_size(const Value& dict, const char* key, int64_t most, const std::string& where) {
  const Value& value = need(dict, key, where);
  const auto number = value.integer();
  if (!number)
    refuse(where, fmt::format("model_args: {} is {}, expected an integer", key, value.kind_name()));
  if (*number < 1 || *number > most)
    refuse(where, fmt::format("model_args: {} is {}, expected 1 to {}", key, *number, most));
  return *number;
}

/// The limits only keep products of made-up numbers within 63 bits.
GptShape read_shape(const Value& args, const std::string& where) {
  GptShape shape;
  shape.n_layer = need_size(args, "n_layer", 10'000, where);
  shape.n_head = need_size(args, "n_head", int64_t{1} << 20, where);
  shape.n_embd = need_size(args, "n_embd", int64_t{1} << 20, where);
  shape.block_size = need_size(args, "block_size", int64_t{1} << 30, where);
  shape.vocab_size = need_size(args, "vocab_size", int64_t{1} << 30, where);
  if (shape.n_embd % shape.n_head != 0)
    refuse(where, fmt::format("model_args: n_embd {} is not a multiple of n_head {}", shape.n_embd,
                              shape.n_head));
  const Value *bias = args.find("bias"), *dropout = args.find("dropout");
  shape.bias = bias == nullptr || bias->number().value_or(1) != 0;
  if (dropout != nullptr) shape.dropout = dropout->number().value_or(0);
  return shape;
}

/// The tensors of a state dict.
WeightTable tensors_of(const Value& model, const std::string& where) {
  const auto* entries = model.get_if<Value::Dict>();
  if (entries == nullptr)
    refuse(where, fmt::format("entry 'model' is {}, expected a state dict", model.kind_name()));
  WeightTable tensors;
  for (const DictItem& item : entries->items) {
    const std::string name = std::holds_alternative<std::string>(item.key)
                                 ? std::get<std::string>(item.key)
                                 : key_text(item.key);
    const auto* array = item.value.get_if<ArrayView>();
    if (array == nullptr)
      refuse(where, fmt::format("parameter {} is {}, expected a tensor", printable(name),
                                item.value.kind_name()));
    tensors.add(where, name, *array);
  }
  return tensors;
}

/// A state dict without the rest of a checkpoint cannot be used: nothing in it says how many heads
/// the model has.
void refuse_bare_state_dict(const Value& root, const std::string& where) {
  const auto* entries = root.get_if<Value::Dict>();
  if (entries == nullptr || root.find("model") != nullptr || root.find("model_args") != nullptr)
    return;
  const auto is_tensor = [](const DictItem& item) { return item.value.get_if<ArrayView>(); };
  if (!std::ranges::any_of(entries->items, is_tensor)) return;
  refuse(where,
         "is a state dict alone, which does not say how many heads the model has. Save a "
         "checkpoint: torch.save({'model': state_dict, 'model_args': dict(n_layer=..., n_head=..., "
         "n_embd=..., block_size=..., bias=..., vocab_size=...), 'iter_num': 0}, ...); or, if it "
         "is one of transformers', put it as pytorch_model.bin beside its config.json");
}

void check_array(const ArrayView* array, const std::vector<int64_t>& shape, const std::string& what,
                 const std::string& where) {
  if (array == nullptr) refuse(where, fmt::format("{} is missing", what));
  if (array->shape != shape)
    refuse(where, fmt::format("{} has shape {}, expected {}", what, shape_text(array->shape),
                              shape_text(shape)));
  if (!is_floating_point(array->type))
    refuse(where, fmt::format("{} is of type {}, expected a floating-point type", what,
                              element_name(array->type)));
}

/// The state dict as one flat tensor; every shape is compared before it is made.
at::Tensor read_weights(const Value& state, ModelFile& model) {
  WeightTable tensors = tensors_of(state, model.where);
  const std::vector<FileTensor> taken = tensors.take(model.shape, MatrixOrder::kOutIn);
  if (const std::string left_out = tensors.left_out(); !left_out.empty())
    model.warnings.push_back(left_out);
  const ParameterLayout layout = model.layout();
  at::Tensor flat = at::empty({layout.numel()}, at::kFloat);
  for (size_t i = 0; i < taken.size(); ++i)
    layout.view(flat, layout.slots()[i]).copy_(to_tensor(taken[i].array));
  return flat;
}

/// AdamW's moments by nanoGPT's numbers, and its steps; nothing where the file has no state.
struct OptimizerState {
  OptimizerMoments moments;
  int64_t steps = 0;
};
std::optional<OptimizerState> read_optimizer(const Value* optimizer, const ParameterLayout& layout,
                                             const std::string& where) {
  const Value* state = optimizer == nullptr ? nullptr : optimizer->find("state");
  const auto* entries = state == nullptr ? nullptr : state->get_if<Value::Dict>();
  if (entries == nullptr || entries->items.empty()) return std::nullopt;
  const OptimizerOrder order(layout);
  OptimizerState result{
      {at::zeros({layout.numel()}, at::kFloat), at::zeros({layout.numel()}, at::kFloat)}, 0};
  for (size_t i = 0; i < order.slots.size(); ++i) {
    const ParameterSlot& slot = layout.slots()[order.slots[i]];
    const Value* entry = state->find(static_cast<int64_t>(i));
    if (entry == nullptr)
      refuse(where, fmt::format("the optimizer has no state of parameter {} ({})", i, slot.name));
    const auto take = [&](const char* key, const at::Tensor& flat) {
      const auto* array = need(*entry, key, where).get_if<ArrayView>();
      check_array(array, slot.shape,
                  fmt::format("the optimizer's {} of parameter {} ({})", key, i, slot.name), where);
      layout.view(flat, slot).copy_(to_tensor(*array));
    };
    take("exp_avg", result.moments.exp_avg);
    take("exp_avg_sq", result.moments.exp_avg_sq);
    const auto step = need(*entry, "step", where).number();
    if (!step || !(*step >= 0 && *step < static_cast<double>(kMostSteps)))
      refuse(where,
             fmt::format("the optimizer's step of parameter {} ({}) is no count", i, slot.name));
    result.steps = static_cast<int64_t>(*step);
  }
  return result;
}

/// Ours, under `precis`.
void read_own(const Value& own, ModelFile& model) {
  if (const std::string* activation = text(own.find("activation")))
    model.shape.gelu_tanh = *activation == "gelu_new";
  if (const Value* epsilon = own.find("layer_norm_epsilon"))
    model.shape.layer_norm_epsilon = epsilon->number().value_or(0);
  if (!(model.shape.layer_norm_epsilon > 0 && model.shape.layer_norm_epsilon < 1))
    refuse(model.where, "precis.layer_norm_epsilon is not between 0 and 1");
  const std::string *vocab = text(own.find("vocab_json")), *merges = text(own.find("merges_txt"));
  const std::string* added = text(own.find("added_tokens"));
  if (vocab != nullptr && merges != nullptr)
    model.tokenizer = VocabularyTexts{*vocab, *merges, added == nullptr ? "" : *added};
  if (const Value* end_tokens = own.find("end_tokens"))
    model.end_tokens = read_end_tokens(*end_tokens, model.where + ": precis.end_tokens",
                                       model.shape.vocab_size, model.generation_warnings);
  if (const std::string* settings = text(own.find("settings"))) {
    PromptConfig prompt;
    GenerationConfig generation;
    try {
      load_config_text({{"progress", model.progress.fields()},
                        {"prompt", prompt.fields()},
                        {"generation", generation.fields()}},
                       *settings, model.where + ": precis.settings", {});
    } catch (const ConfigError& error) {
      throw DataError(error.what());  // the file is at fault, not the user's config
    }
    model.prompt = prompt;
    model.generation = generation;
  }
}

/// What nanoGPT says of its progress.
void read_progress(const Value& root, ModelFile& model) {
  Progress& progress = model.progress;
  const auto iter = need(root, "iter_num", model.where).integer();
  if (!iter || *iter < 0 || *iter > kMostSteps)
    refuse(model.where, "entry 'iter_num' is no count of iterations");
  progress.iter = *iter;
  progress.optimizer_steps = *iter;
  if (root.find("precis") != nullptr) return;
  if (const Value* best = root.find("best_val_loss"))
    progress.best_val_loss = best->number().value_or(progress.best_val_loss);
  progress.best_metric = -progress.best_val_loss;
}

}  // namespace

ModelFile read_checkpoint(const std::filesystem::path& path) {
  ModelFile model;
  model.where = std::filesystem::absolute(path).string();
  model.is_checkpoint = true;
  const Value root = read_pt(path);
  refuse_bare_state_dict(root, model.where);
  model.shape = read_shape(need(root, "model_args", model.where), model.where);
  if (const Value* own = root.find("precis")) read_own(*own, model);
  read_progress(root, model);
  model.flat = read_weights(need(root, "model", model.where), model);
  const ParameterLayout layout = model.layout();
  if (!model.warnings.empty()) return model;  // the optimizer numbers what was left out, too
  if (auto state = read_optimizer(root.find("optimizer"), layout, model.where)) {
    model.optimizer = std::move(state->moments);
    model.progress.optimizer_steps = state->steps;
  }
  return model;
}

}  // namespace precis
