#include <ATen/ops/full.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <system_error>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/output_target.h"
#include "lib/formats/json_value.h"
#include "lib/formats/safetensors.h"
#include "lib/huggingface/folder.h"
#include "lib/model/model_family.h"
#include "lib/model/parameter_table.h"
#include "lib/tensor/arrays.h"
#include "lib/text/vocabulary.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

/// What a folder of a model may hold, so that it may be replaced.
constexpr std::array<std::string_view, 10> kFiles = {"config.json",
                                                     "generation_config.json",
                                                     "model.safetensors",
                                                     "vocab.json",
                                                     "merges.txt",
                                                     "tokenizer.json",
                                                     "tokenizer_config.json",
                                                     "special_tokens_map.json",
                                                     "pytorch_model.bin",
                                                     "added_tokens.json"};

void check(const std::error_code& error, const fs::path& path, std::string_view what) {
  if (!error) return;
  throw DataError(fmt::format("{}: {}: {}", fs::absolute(path).string(), what, error.message()));
}

std::string tokenizer_config(const ModelShape& shape) {
  Value config = Value::dict();
  config.set("add_prefix_space", false);
  for (const char* key : {"bos_token", "eos_token", "unk_token"})
    config.set(key, std::string(kEndOfText));
  config.set("model_max_length", shape.block_size);
  config.set("tokenizer_class", "GPT2Tokenizer");
  return to_json(config);
}

/// A parameter that files have and the model does not: as it starts.
at::Tensor absent(const ParameterSlot& slot) {
  if (slot.start.std > 0) throw DataError(fmt::format("parameter {} is missing", slot.name));
  return at::full(slot.shape, slot.start.mean, at::kFloat);
}

/// Hugging Face's tensors: all that its class has, Conv1D matrices as (in, out).
std::vector<std::pair<std::string, ArrayView>> exported_tensors(const ExportedModel& model) {
  const ModelFamily& family = model.shape.family();
  const ParameterTable own = model.shape.parameters(),
                       all = family.exported_parameters(model.shape);
  std::map<std::string_view, at::Tensor> given;
  for (const auto& [name, tensor] : model.parameters) given.emplace(name, tensor);
  std::vector<std::pair<std::string, ArrayView>> tensors;
  for (const size_t index : all.file_order()) {
    const ParameterSlot& slot = all.slots()[index];
    const auto found = given.find(slot.name);
    if (found == given.end() && own.has(slot.name))
      throw DataError(fmt::format("parameter {} is missing", slot.name));
    at::Tensor tensor = found == given.end() ? absent(slot) : found->second.to(at::kFloat);
    if (tensor.sizes() != at::IntArrayRef(slot.shape)) {
      throw DataError(fmt::format("parameter {} has shape {}; expected {}", slot.name,
                                  shape_text(tensor.sizes().vec()), shape_text(slot.shape)));
    }
    if (family.is_transposed(slot.name)) tensor = tensor.t();
    tensors.emplace_back(slot.name, to_array(tensor));
  }
  return tensors;
}

void check_replaceable(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  if (!fs::is_directory(folder, error)) {
    throw DataError(
        fmt::format("{}: is a file; a model goes into a folder", fs::absolute(folder).string()));
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (std::find(kFiles.begin(), kFiles.end(), name) == kFiles.end()) {
      throw DataError(fmt::format(
          "{}: is there already and holds {}, which is no part of a model; name a new folder",
          fs::absolute(folder).string(), name));
    }
  }
}

/// Puts the finished folder in place of what is there.
void replace_folder(const fs::path& finished, const fs::path& folder) {
  std::error_code error;
  const fs::path old = folder.parent_path() / fmt::format(".{}.old", folder.filename().string());
  if (fs::exists(folder)) {
    fs::remove_all(old, error);
    fs::rename(folder, old, error);
    check(error, folder, "cannot be replaced");
  }
  fs::rename(finished, folder, error);
  check(error, folder, "cannot be put in place");
  fs::remove_all(old, error);
}

}  // namespace

void write_hugging_face(const fs::path& target, const ExportedModel& model) {
  fs::path folder = fs::absolute(target).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "out/"
  folder = find_output(folder).path;  // a link stays: the folder it leads to is replaced
  check_replaceable(folder);
  const std::vector<std::pair<std::string, ArrayView>> tensors = exported_tensors(model);
  const int64_t end = model.tokenizer.end_of_text();

  std::error_code error;
  fs::create_directories(folder.parent_path(), error);
  check(error, folder.parent_path(), "cannot be created");
  const fs::path made = folder.parent_path() / fmt::format(".{}.new", folder.filename().string());
  fs::remove_all(made, error);
  fs::create_directory(made, error);
  check(error, made, "cannot be created");
  try {
    Value generation = model.generation,
          config = model.shape.family().to_config_json(model.shape, end);
    generation.set("bos_token_id", end);
    if (const Value* ids = generation.find("eos_token_id"))
      config.set("eos_token_id", *ids);
    else
      generation.set("eos_token_id", end);
    write_file(made / "config.json", to_json(config));
    write_file(made / "generation_config.json", to_json(generation));
    model.tokenizer.save(made);
    write_file(made / "tokenizer.json", model.tokenizer.tokenizer_json());
    write_file(made / "tokenizer_config.json", tokenizer_config(model.shape));
    write_safetensors(made / "model.safetensors", tensors);
    replace_folder(made, folder);
  } catch (...) {
    fs::remove_all(made, error);
    throw;
  }
}

}  // namespace precis
