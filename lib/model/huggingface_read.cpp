#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/checkpoint/tensors.h"
#include "lib/formats/json_value.h"
#include "lib/formats/printable.h"
#include "lib/formats/pt_file.h"
#include "lib/formats/safetensors.h"
#include "lib/model/huggingface.h"
#include "lib/model/huggingface_config.h"
#include "lib/model/huggingface_names.h"
#include "lib/model/parameters.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

/// A tensor of a weights file under its name without "transformer.".
struct Weight {
  std::string name_in_file;
  std::string file;
  ArrayView array;
};
using Weights = std::map<std::string, Weight, std::less<>>;

std::string full_name(const fs::path& path) {
  return fs::absolute(path).lexically_normal().string();
}

void add(Weights& weights, const std::string& file, const std::string& name,
         const ArrayView& array) {
  const std::string plain(without_prefix(name));
  if (!weights.try_emplace(plain, Weight{name, file, array}).second) {
    throw DataError(fmt::format(
        "{}: tensor {}: is there twice, with and without 'transformer.' or in two shards", file,
        printable(name)));
  }
}

void add_safetensors(Weights& weights, const fs::path& path) {
  const SafetensorsFile file(path, SafetensorsFile::Gaps::kAllow);  // see check_gaps
  for (const auto& [name, array] : file.tensors()) add(weights, file.file(), name, array);
}

/// The index says which shard holds which tensor.
void add_shards(Weights& weights, const fs::path& index_path) {
  const std::string index_name = full_name(index_path);
  const Value index = parse_json(read_file(index_path), index_name);
  const Value* map = index.find("weight_map");
  const auto* entries = map == nullptr ? nullptr : map->get_if<Value::Dict>();
  if (entries == nullptr) throw DataError(fmt::format("{}: has no weight_map", index_name));
  std::set<std::string> shards;
  for (const DictItem& item : entries->items) {
    const auto* shard = item.value.get_if<std::string>();
    if (shard == nullptr || shard->empty() || fs::path(*shard).filename() != *shard) {
      throw DataError(fmt::format("{}: tensor {}: is not said to be in a file of this folder",
                                  index_name, printable(key_text(item.key))));
    }
    shards.insert(*shard);
  }
  for (const std::string& shard : shards)
    add_safetensors(weights, index_path.parent_path() / shard);
  for (const DictItem& item : entries->items) {
    const std::string& name = std::get<std::string>(item.key);
    const fs::path shard = index_path.parent_path() / *item.value.get_if<std::string>();
    const auto found = weights.find(without_prefix(name));
    if (found == weights.end() || found->second.file != full_name(shard)) {
      throw DataError(fmt::format("{}: tensor {}: is missing; {} says that it is there",
                                  full_name(shard), printable(name), index_name));
    }
  }
}

void add_bin(Weights& weights, const fs::path& path) {
  const Value content = read_pt(path);
  const auto* dict = content.get_if<Value::Dict>();
  if (dict == nullptr)
    throw DataError(fmt::format("{}: holds {} where a dict of tensors should be", full_name(path),
                                content.kind_name()));
  size_t bytes = 0;
  for (const DictItem& item : dict->items) {
    const auto* name = std::get_if<std::string>(&item.key);
    const auto* array = item.value.get_if<ArrayView>();
    if (name == nullptr || array == nullptr) {
      throw DataError(fmt::format("{}: key {}: holds {} where a tensor should be", full_name(path),
                                  printable(key_text(item.key)), item.value.kind_name()));
    }
    add(weights, full_name(path), *name, *array);
    if (*name != kHeadName) bytes += array->bytes.size();
  }
  // Else a small file could claim any number of layers, all in one memory.
  if (bytes > fs::file_size(path))
    throw DataError(fmt::format(
        "{}: its tensors share their memory, which no GPT-2's do but the head's", full_name(path)));
}

Weights read_weights(const fs::path& folder) {
  Weights weights;
  if (fs::exists(folder / "model.safetensors")) {
    add_safetensors(weights, folder / "model.safetensors");
  } else if (fs::exists(folder / "model.safetensors.index.json")) {
    add_shards(weights, folder / "model.safetensors.index.json");
  } else if (fs::exists(folder / "pytorch_model.bin")) {
    add_bin(weights, folder / "pytorch_model.bin");
  } else {
    throw DataError(fmt::format(
        "{}: has no weights: none of model.safetensors, model.safetensors.index.json and "
        "pytorch_model.bin",
        full_name(folder)));
  }
  return weights;
}

/// Refuses files with gaps between their tensors, once it is known that no parameter is missing.
void check_gaps(const std::set<std::string>& files) {
  for (const std::string& file : files)
    if (file.ends_with(".safetensors")) SafetensorsFile(fs::path(file));
}

/// A parameter from its weight, which is checked and taken out of those that are left.
at::Tensor take(Weights& weights, const ParameterSlot& slot, const std::string& source) {
  const std::string_view plain = without_prefix(slot.name);
  const auto found = weights.find(plain);
  if (found == weights.end()) {
    throw DataError(fmt::format("{}: parameter {} is missing", source, plain));
  }
  const Weight& weight = found->second;
  std::vector<int64_t> expected = slot.shape;
  const bool transposed = is_conv1d(plain);
  if (transposed) std::reverse(expected.begin(), expected.end());
  const auto where = [&] { return fmt::format("{}: tensor {}", weight.file, weight.name_in_file); };
  if (weight.array.shape != expected) {
    throw DataError(fmt::format("{}: has shape {}; expected {} by config.json", where(),
                                shape_text(weight.array.shape), shape_text(expected)));
  }
  if (!is_floating_point(weight.array.type)) {
    throw DataError(fmt::format("{}: is of type {}; expected a floating-point type", where(),
                                element_name(weight.array.type)));
  }
  const at::Tensor wide = to_tensor(weight.array).to(at::kFloat);
  weights.erase(found);
  return transposed ? wide.t().contiguous() : wide;
}

/// The head is tied in GPT-2; some files hold it once more.
void take_head(Weights& weights, const at::Tensor& embedding) {
  const auto head = weights.find(kHeadName);
  if (head == weights.end()) return;
  const Weight& weight = head->second;
  const bool same_shape = embedding.sizes() == at::IntArrayRef(weight.array.shape);
  if (!same_shape || !to_tensor(weight.array).to(at::kFloat).equal(embedding)) {
    throw DataError(
        fmt::format("{}: tensor {}: differs from wte.weight; only models whose head is tied to the "
                    "embedding are supported",
                    weight.file, weight.name_in_file));
  }
  weights.erase(head);
}

}  // namespace

bool is_hugging_face_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) && fs::exists(path / "config.json", error);
}

ImportedModel read_hugging_face(const fs::path& folder) {
  ImportedModel model;
  model.folder = fs::absolute(folder).lexically_normal();
  const fs::path config = folder / "config.json";
  model.shape =
      shape_of_config(parse_json(read_file(config), full_name(config)), full_name(config));
  if (const fs::path path = folder / "generation_config.json"; fs::exists(path)) {
    model.generation = parse_json(read_file(path), full_name(path));
    if (model.generation.get_if<Value::Dict>() == nullptr) {
      throw DataError(fmt::format("{}: is no JSON object", full_name(path)));
    }
  }
  Weights weights = read_weights(folder);
  std::set<std::string> files;
  for (const auto& [name, weight] : weights) files.insert(weight.file);
  std::erase_if(weights, [](const auto& weight) { return is_mask_buffer(weight.first); });
  const std::string source = weights.empty() ? full_name(folder) : weights.begin()->second.file;
  // Each layer needs weights of its own: a made-up number of layers must not make a list of names
  // first.
  if (static_cast<uint64_t>(model.shape.n_layer) > weights.size()) {
    throw DataError(fmt::format("{}: holds {} tensors; config.json says n_layer is {}", source,
                                weights.size(), model.shape.n_layer));
  }
  const ParameterLayout layout(model.shape);
  for (const size_t index : layout.named_order()) {
    const ParameterSlot& slot = layout.slots()[index];
    model.parameters.emplace_back(slot.name, take(weights, slot, source));
    if (slot.name == kEmbeddingName) take_head(weights, model.parameters.back().second);
  }
  if (!weights.empty()) {
    const Weight& extra = weights.begin()->second;
    throw DataError(fmt::format("{}: tensor {}: has no place in a GPT-2 of {} layers", extra.file,
                                printable(extra.name_in_file), model.shape.n_layer));
  }
  check_gaps(files);
  return model;
}

at::Tensor flat_of(const ImportedModel& model) {
  const ParameterLayout layout(model.shape);
  at::Tensor flat = at::empty({layout.numel()}, at::kFloat);
  for (size_t i = 0; i < model.parameters.size(); ++i)
    layout.view(flat, layout.slots()[layout.named_order()[i]]).copy_(model.parameters[i].second);
  return flat;
}

}  // namespace precis
