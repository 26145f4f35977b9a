// Reading checkpoints: nanoGPT's, and ours, which are nanoGPT's with an entry `precis` more.
// Nothing is allocated by what a file says of itself: shapes are compared with the tensors that are
// there first.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

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
#include "lib/tensor/huge_pages.h"

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

/// The family is said by ours alone: without a word it is nanoGPT's.
AnyShape read_shape(const Value& root, const ModelFamilies& families, const std::string& where) {
  const Value* own = root.find("precis");
  const std::string* said = own == nullptr ? nullptr : text(own->find("family"));
  const ModelFamily* family = said == nullptr ? families.front() : find_family(families, *said);
  if (family == nullptr)
    refuse(where, fmt::format("is of a model of type {}; only {} is supported", printable(*said),
                              fmt::join(family_names(families), ", ")));
  return family->from_checkpoint(need(root, "model_args", where), own, where);
}

/// The tensors of a state dict.
WeightTable tensors_of(const Value& model, const ModelFamily& family, const std::string& where) {
  const auto* entries = model.get_if<Value::Dict>();
  if (entries == nullptr)
    refuse(where, fmt::format("entry 'model' is {}, expected a state dict", model.kind_name()));
  WeightTable tensors(family);
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
  WeightTable tensors = tensors_of(state, model.shape->family(), model.where);
  const std::vector<FileTensor> taken = tensors.take(*model.shape, MatrixOrder::kOutIn);
  if (const std::string left_out = tensors.left_out(); !left_out.empty())
    model.warnings.push_back(left_out);
  const ParameterTable table = model.shape->parameters();
  at::Tensor flat = at::empty({table.numel()}, at::kFloat);
  prefer_huge_pages(flat);
  for (size_t i = 0; i < taken.size(); ++i)
    table.view(flat, table.slots()[i]).copy_(to_tensor_in_place(taken[i].array));
  return flat;
}

/// AdamW's moments by nanoGPT's numbers, and its steps; nothing where the file has no state.
struct OptimizerState {
  OptimizerMoments moments;
  int64_t steps = 0;
};
std::optional<OptimizerState> read_optimizer(const Value* optimizer, const ParameterTable& table,
                                             const std::string& where) {
  const Value* state = optimizer == nullptr ? nullptr : optimizer->find("state");
  const auto* entries = state == nullptr ? nullptr : state->get_if<Value::Dict>();
  if (entries == nullptr || entries->items.empty()) return std::nullopt;
  const OptimizerOrder order(table);
  OptimizerState result{{at::zeros({table.trainable_numel()}, at::kFloat),
                         at::zeros({table.trainable_numel()}, at::kFloat)},
                        0};
  for (size_t i = 0; i < order.slots.size(); ++i) {
    const ParameterSlot& slot = table.slots()[order.slots[i]];
    const Value* entry = state->find(static_cast<int64_t>(i));
    if (entry == nullptr)
      refuse(where, fmt::format("the optimizer has no state of parameter {} ({})", i, slot.name));
    const auto take = [&](const char* key, const at::Tensor& flat) {
      const auto* array = need(*entry, key, where).get_if<ArrayView>();
      check_array(array, slot.shape,
                  fmt::format("the optimizer's {} of parameter {} ({})", key, i, slot.name), where);
      table.gradient_view(flat, slot).copy_(to_tensor_in_place(*array));
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

/// The parameters that were not trained, which have no number in the optimizer.
void read_frozen(const Value* own, ModelFile& model) {
  const Value* frozen = own == nullptr ? nullptr : own->find("frozen");
  if (frozen == nullptr) return;
  const auto* names = frozen->get_if<Value::List>();
  if (names == nullptr) refuse(model.where, "precis.frozen is no list of parameters");
  const ParameterTable table = model.shape->parameters();
  for (const Value& item : names->items) {
    const std::string* name = text(&item);
    if (name == nullptr || !table.has(*name))
      refuse(model.where, fmt::format("precis.frozen: {} is no parameter of this model",
                                      printable(typed_text(item))));
    model.frozen.push_back(*name);
  }
}

/// Ours, under `precis`.
void read_own(const Value& own, ModelFile& model) {
  const std::string *vocab = text(own.find("vocab_json")), *merges = text(own.find("merges_txt"));
  const std::string* added = text(own.find("added_tokens"));
  if (vocab != nullptr && merges != nullptr)
    model.tokenizer = VocabularyTexts{*vocab, *merges, added == nullptr ? "" : *added};
  if (const Value* end_tokens = own.find("end_tokens"))
    model.end_tokens = read_end_tokens(*end_tokens, model.where + ": precis.end_tokens",
                                       model.shape->vocab_size, model.generation_warnings);
  for (const auto& [key, kept] : {std::pair{"config_yaml", &model.config_yaml},
                                  {"train_rows", &model.data.train},
                                  {"validation_rows", &model.data.validation}})
    if (const std::string* said = text(own.find(key))) *kept = *said;
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

ModelFile read_checkpoint(const std::filesystem::path& path, const ModelFamilies& families) {
  ModelFile model;
  model.where = std::filesystem::absolute(path).string();
  model.is_checkpoint = true;
  const Value root = read_pt(path);
  refuse_bare_state_dict(root, model.where);
  model.shape = read_shape(root, families, model.where);
  if (const Value* own = root.find("precis")) read_own(*own, model);
  read_progress(root, model);
  model.flat = read_weights(need(root, "model", model.where), model);
  read_frozen(root.find("precis"), model);
  if (!model.warnings.empty()) return model;  // the optimizer numbers what was left out, too
  if (auto state = read_optimizer(root.find("optimizer"), model.table(), model.where)) {
    model.optimizer = std::move(state->moments);
    model.progress.optimizer_steps = state->steps;
  }
  return model;
}

}  // namespace precis
