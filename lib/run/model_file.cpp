#include "lib/run/model_file.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <utility>

#include "lib/base/errors.h"
#include "lib/model/huggingface.h"
#include "lib/run/generation_json.h"

namespace precis {
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
  if (!imported.left_out.empty()) model.warnings.push_back(imported.left_out);
  FolderGeneration generation = generation_of(imported);
  model.generation = generation.config;
  model.end_tokens = std::move(generation.end_tokens);
  model.generation_warnings = std::move(generation.warnings);
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
