#include "lib/programs/convert.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "lib/base/output_target.h"
#include "lib/formats/pt_file.h"
#include "lib/huggingface/cache.h"
#include "lib/huggingface/folder.h"
#include "lib/huggingface/generation_json.h"
#include "lib/run/model_source.h"

namespace precis {
std::string convert_model(const std::string& from, const std::filesystem::path& to,
                          const std::filesystem::path& tokenizer_dir, Log& log,
                          const ModelFamilies& families) {
  if (std::filesystem::is_directory(resolve_model(from)))
    check_output_file(to, "--to");
  else
    check_output_folder(to, "--to");
  ModelFile model = load_model(from, families);
  for (const std::string& warning : model.all_warnings()) log.warn(warning);
  BpeTokenizer tokenizer = tokenizer_of(model, tokenizer_dir);
  tokenizer.fit_to(model.shape->vocab_size, model.where);
  model.tokenizer = tokenizer.texts();
  if (!model.is_checkpoint) {
    model.optimizer.reset();
    write_pt(to, checkpoint_value(model, TrainConfig{}, 0, ""));
    return fmt::format("{}: a checkpoint of {}", std::filesystem::absolute(to).string(),
                       model.where);
  }
  NamedTensors parameters;
  const ParameterTable table = model.table();
  for (const size_t i : table.file_order())
    parameters.emplace_back(table.slots()[i].name, table.view(model.flat, table.slots()[i]));
  Value generation = Value::dict();
  if (model.generation) generation = generation_json(*model.generation);
  if (!model.end_tokens.empty()) generation.set("eos_token_id", end_tokens_json(model.end_tokens));
  write_hugging_face(to, {*model.shape, parameters, tokenizer, generation});
  return fmt::format("{}: a Hugging Face folder of {}", std::filesystem::absolute(to).string(),
                     model.where);
}

}  // namespace precis
