#include "lib/run/convert.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "lib/formats/pt_file.h"
#include "lib/model/huggingface.h"
#include "lib/run/model_file.h"

namespace precis {
namespace {

/// Our settings by transformers' names.
Value generation_value(const ModelFile& model) {
  Value json = Value::dict();
  if (!model.generation) return json;
  const GenerationConfig& g = *model.generation;
  json.set("max_new_tokens", g.max_new_tokens);
  json.set("do_sample", g.samples());
  if (g.samples()) {
    json.set("temperature", g.temperature);
    json.set("top_k", g.top_k);
    json.set("top_p", g.top_p);
  }
  if (g.min_new_tokens > 0) json.set("min_new_tokens", g.min_new_tokens);
  if (g.num_beams > 1) {
    json.set("num_beams", g.num_beams);
    json.set("length_penalty", g.length_penalty);
    json.set("early_stopping", g.early_stopping);
  }
  if (g.no_repeat_ngram_size > 0) json.set("no_repeat_ngram_size", g.no_repeat_ngram_size);
  if (g.repetition_penalty != 1) json.set("repetition_penalty", g.repetition_penalty);
  return json;
}

}  // namespace

std::string convert_model(const std::string& from, const std::filesystem::path& to,
                          const std::filesystem::path& tokenizer_dir) {
  ModelFile model = load_model(from);
  BpeTokenizer tokenizer = tokenizer_of(model, tokenizer_dir);
  tokenizer.fit_to(model.shape.vocab_size, model.where);
  model.tokenizer = tokenizer.texts();
  if (!model.is_checkpoint) {
    model.optimizer.reset();
    write_pt(to, checkpoint_value(model, TrainConfig{}, 0, ""));
    return fmt::format("{}: a checkpoint of {}", std::filesystem::absolute(to).string(),
                       model.where);
  }
  NamedTensors parameters;
  const ParameterLayout layout = model.layout();
  for (const size_t i : layout.named_order())
    parameters.emplace_back(layout.slots()[i].name, layout.view(model.flat, layout.slots()[i]));
  write_hugging_face(to, {model.shape, parameters, tokenizer, generation_value(model)});
  return fmt::format("{}: a Hugging Face folder of {}", std::filesystem::absolute(to).string(),
                     model.where);
}

}  // namespace precis
