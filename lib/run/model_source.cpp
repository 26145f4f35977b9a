#include "lib/run/model_source.h"

#include <fmt/format.h>

#include <utility>

#include "lib/base/errors.h"
#include "lib/huggingface/cache.h"
#include "lib/huggingface/folder.h"
#include "lib/huggingface/generation_json.h"

namespace precis {

ModelFile read_model_folder(const std::filesystem::path& folder, const ModelFamilies& families) {
  ImportedModel imported = read_hugging_face(folder, families);
  ModelFile model;
  model.where = std::filesystem::absolute(folder).string();
  model.flat = flat_of(imported);
  model.shape = imported.shape;
  if (!imported.left_out.empty()) model.warnings.push_back(imported.left_out);
  FolderGeneration generation = generation_of(imported);
  model.generation = generation.config;
  model.end_tokens = std::move(generation.end_tokens);
  model.generation_warnings = std::move(generation.warnings);
  return model;
}

ModelFile load_model(const std::string& name, const ModelFamilies& families) {
  const std::filesystem::path path = resolve_model(name);
  return std::filesystem::is_directory(path) ? read_model_folder(path, families)
                                             : read_checkpoint(path, families);
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

}  // namespace precis
