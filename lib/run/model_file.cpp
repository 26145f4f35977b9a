#include "lib/run/model_file.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "lib/base/errors.h"
#include "lib/model/huggingface.h"

namespace precis {
namespace {

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

ModelFile read_model_folder(const std::filesystem::path& folder) {
  ImportedModel imported = read_hugging_face(folder);
  ModelFile model;
  model.where = std::filesystem::absolute(folder).string();
  model.shape = imported.shape;
  model.flat = flat_of(imported);
  model.generation = generation_defaults(imported.generation);
  return model;
}

ModelFile load_model(const std::string& name) {
  const std::filesystem::path path = resolve_model(name);
  return std::filesystem::is_directory(path) ? read_model_folder(path) : read_checkpoint(path);
}

BpeTokenizer tokenizer_of(const ModelFile& model, const std::filesystem::path& dir) {
  if (model.tokenizer) return BpeTokenizer::parse(*model.tokenizer, model.where);
  const std::filesystem::path beside = model.is_checkpoint
                                           ? std::filesystem::path(model.where).parent_path()
                                           : std::filesystem::path(model.where);
  if (holds_vocabulary(beside)) return BpeTokenizer::load(beside);
  if (!dir.empty()) return BpeTokenizer::load(dir);
  throw DataError(fmt::format(
      "{}: has no vocabulary inside it, and there is no vocab.json or tokenizer.json in {}: name a "
      "folder with vocab.json and merges.txt, or tokenizer.json, by tokenizer.dir",
      model.where, beside.string()));
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
