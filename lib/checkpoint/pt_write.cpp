// The content of a checkpoint: nanoGPT's keys, and ours under `precis`.
#include <ATen/ATen.h>
#include <utility>

#include "lib/base/digest_text.h"
#include "lib/checkpoint/model_file.h"
#include "lib/checkpoint/optimizer_order.h"
#include "lib/config/describe.h"
#include "lib/tensor/arrays.h"
#include "lib/tensor/digest.h"

namespace precis {
namespace {

Value named_weights(const ModelFile& model) {
  const ParameterTable table = model.table();
  Value state = Value::ordered_dict();
  for (const size_t i : table.file_order())
    state.set(table.slots()[i].name, to_array(table.view(model.flat, table.slots()[i])));
  if (const auto tied = model.shape->family().tied_head(); !tied.head.empty())
    state.set(std::string(tied.head),
              to_array(table.view(model.flat, table.slots()[table.index(tied.parameter)])));
  return state;
}

Value optimizer_value(const ModelFile& model, const TrainConfig& train, double learning_rate) {
  const ParameterTable table = model.table();
  const OptimizerOrder order(table);
  Value state = Value::dict();
  const at::Tensor steps =
      at::full({}, static_cast<double>(model.progress.optimizer_steps), at::kFloat);
  for (size_t i = 0; i < order.slots.size() && model.progress.optimizer_steps > 0; ++i) {
    const ParameterSlot& slot = table.slots()[order.slots[i]];
    Value entry = Value::dict();
    entry.set("step", to_array(steps.clone()));
    entry.set("exp_avg", to_array(table.gradient_view(model.optimizer->exp_avg, slot)));
    entry.set("exp_avg_sq", to_array(table.gradient_view(model.optimizer->exp_avg_sq, slot)));
    state.set(static_cast<int64_t>(i), std::move(entry));
  }
  Value::List groups;
  for (const bool decayed : {true, false}) {
    Value::List members;
    for (size_t i = decayed ? 0 : order.num_decayed;
         i < (decayed ? order.num_decayed : order.slots.size()); ++i)
      members.items.emplace_back(static_cast<int64_t>(i));
    Value group = Value::dict();
    group.set("lr", learning_rate);
    group.set("betas", Value::Tuple{{train.beta1, train.beta2}});
    group.set("eps", train.eps);
    group.set("weight_decay", decayed ? train.weight_decay : 0.0);
    for (const char* off : {"amsgrad", "maximize", "capturable", "differentiable"})
      group.set(off, false);
    for (const char* open : {"foreach", "fused"}) group.set(open, Value());
    group.set("decoupled_weight_decay", true);
    group.set("params", std::move(members));
    groups.items.push_back(std::move(group));
  }
  Value optimizer = Value::dict();
  optimizer.set("state", std::move(state));
  optimizer.set("param_groups", std::move(groups));
  return optimizer;
}

}  // namespace

Value checkpoint_value(const ModelFile& model, const TrainConfig& train, double learning_rate,
                       const std::string& config_yaml) {
  CheckpointShape shape = model.shape->family().to_checkpoint(*model.shape);
  Value own = std::move(shape.precis);
  own.set("version", 1);
  own.set("family", model.shape->family().name());
  if (!model.frozen.empty()) {
    Value::List names;
    for (const std::string& name : model.frozen) names.items.emplace_back(name);
    own.set("frozen", std::move(names));
  }
  if (model.tokenizer) {
    own.set("vocab_json", model.tokenizer->vocab_json);
    own.set("merges_txt", model.tokenizer->merges_txt);
    if (!model.tokenizer->added_tokens.empty())
      own.set("added_tokens", model.tokenizer->added_tokens);
  }
  if (!model.end_tokens.empty()) {
    Value::List ids;
    for (const int32_t id : model.end_tokens) ids.items.emplace_back(int64_t{id});
    own.set("end_tokens", std::move(ids));
  }
  Progress progress = model.progress;
  PromptConfig prompt = model.prompt.value_or(PromptConfig{});
  GenerationConfig generation = model.generation.value_or(GenerationConfig{});
  own.set("settings", dump_yaml({{"progress", progress.fields()},
                                 {"prompt", prompt.fields()},
                                 {"generation", generation.fields()}}));
  own.set("config_yaml", config_yaml);
  for (const auto& [key, digest] :
       {std::pair{"train_rows", &model.data.train}, {"validation_rows", &model.data.validation}})
    if (!digest->empty()) own.set(key, *digest);
  own.set("weights", digest_text(digest_of(model.flat)));
  Value config = Value::dict();
  config.set("precis", config_yaml);

  Value root = Value::dict();
  root.set("model", named_weights(model));
  root.set("optimizer", optimizer_value(model, train, learning_rate));
  root.set("model_args", std::move(shape.model_args));
  root.set("iter_num", progress.iter);
  root.set("best_val_loss", progress.best_val_loss);
  root.set("config", std::move(config));
  root.set("precis", std::move(own));
  return root;
}

}  // namespace precis
