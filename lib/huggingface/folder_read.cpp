#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/checkpoint/weight_table.h"
#include "lib/formats/json_value.h"
#include "lib/formats/printable.h"
#include "lib/formats/pt_file.h"
#include "lib/formats/safetensors.h"
#include "lib/huggingface/folder.h"
#include "lib/model/parameter_table.h"
#include "lib/tensor/arrays.h"
#include "lib/tensor/huge_pages.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

std::string full_name(const fs::path& path) {
  return fs::absolute(path).lexically_normal().string();
}

void add_safetensors(WeightTable& weights, const fs::path& path) {
  const SafetensorsFile file(path, SafetensorsFile::Gaps::kAllow);  // see check_gaps
  for (const auto& [name, array] : file.tensors()) weights.add(file.file(), name, array);
}

void add_bin(WeightTable& weights, const fs::path& path) {
  const Value content = read_pt(path);
  const auto* dict = content.get_if<Value::Dict>();
  if (dict == nullptr)
    throw DataError(fmt::format("{}: holds {} where a dict of tensors should be", full_name(path),
                                content.kind_name()));
  for (const DictItem& item : dict->items) {
    const auto* name = std::get_if<std::string>(&item.key);
    const auto* array = item.value.get_if<ArrayView>();
    if (name == nullptr || array == nullptr) {
      throw DataError(fmt::format("{}: key {}: holds {} where a tensor should be", full_name(path),
                                  printable(key_text(item.key)), item.value.kind_name()));
    }
    weights.add(full_name(path), *name, *array);
  }
}

/// Safetensors, or a file of torch.save.
void add_file(WeightTable& weights, const fs::path& path) {
  path.extension() == ".safetensors" ? add_safetensors(weights, path) : add_bin(weights, path);
}

/// The index says which shard holds which tensor.
void add_shards(WeightTable& weights, const fs::path& index_path) {
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
  for (const std::string& shard : shards) {
    const fs::path path = index_path.parent_path() / shard;
    if (!fs::exists(path))
      throw DataError(fmt::format("{}: cannot be read: there is no such file; {} names it",
                                  full_name(path), index_name));
    add_file(weights, path);
  }
  for (const DictItem& item : entries->items) {
    const std::string& name = std::get<std::string>(item.key);
    const fs::path shard = index_path.parent_path() / *item.value.get_if<std::string>();
    const FileTensor* found = weights.find(name);
    if (found == nullptr || found->file != full_name(shard)) {
      throw DataError(fmt::format("{}: tensor {}: is missing; {} says that it is there",
                                  full_name(shard), printable(name), index_name));
    }
  }
}

/// The first of the forms that a folder may have its weights in.
WeightTable read_weights(const fs::path& folder, const ModelFamily& family) {
  constexpr const char* kForms[] = {"model.safetensors", "model.safetensors.index.json",
                                    "pytorch_model.bin", "pytorch_model.bin.index.json"};
  WeightTable weights(family);
  for (const std::string form : kForms) {
    if (!fs::exists(folder / form)) continue;
    form.ends_with(".index.json") ? add_shards(weights, folder / form)
                                  : add_file(weights, folder / form);
    return weights;
  }
  throw DataError(
      fmt::format("{}: has no weights: none of {}", full_name(folder), fmt::join(kForms, ", ")));
}

/// Refuses files with gaps between their tensors, once it is known that no parameter is missing.
void check_gaps(const std::set<std::string>& files) {
  for (const std::string& file : files)
    if (file.ends_with(".safetensors")) SafetensorsFile(fs::path(file));
}

}  // namespace

bool is_hugging_face_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) && fs::exists(path / "config.json", error);
}

ImportedModel read_hugging_face(const fs::path& folder, const ModelFamilies& families) {
  ImportedModel model;
  model.folder = fs::absolute(folder).lexically_normal();
  const fs::path config = folder / "config.json";
  model.config = parse_json(read_file(config), full_name(config));
  const ModelFamily& family = family_of_config_json(families, model.config, full_name(config));
  model.shape = family.from_config_json(model.config, full_name(config));
  if (const fs::path path = folder / "generation_config.json"; fs::exists(path)) {
    model.generation = parse_json(read_file(path), full_name(path));
    if (model.generation.get_if<Value::Dict>() == nullptr) {
      throw DataError(fmt::format("{}: is no JSON object", full_name(path)));
    }
  }
  WeightTable weights = read_weights(folder, family);
  const std::vector<FileTensor> taken = weights.take(*model.shape, MatrixOrder::kInOut);
  const ParameterTable table = model.shape->parameters();
  for (const size_t index : table.file_order()) {
    const std::string& name = table.slots()[index].name;
    const at::Tensor wide = to_tensor_in_place(taken[index].array).to(at::kFloat);
    model.parameters.emplace_back(name, family.is_transposed(name) ? wide.t() : wide);
  }
  model.left_out = weights.left_out();
  check_gaps(weights.files());
  return model;
}

at::Tensor flat_of(const ImportedModel& model) {
  const ParameterTable table = model.shape->parameters();
  at::Tensor flat = at::empty({table.numel()}, at::kFloat);
  prefer_huge_pages(flat);
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;  // to, from: pieces that threads share
  for (size_t i = 0; i < model.parameters.size(); ++i) {
    constexpr int64_t kPiece = 1 << 20;
    const at::Tensor to = table.view(flat, table.slots()[table.file_order()[i]]),
                     from = model.parameters[i].second;
    const int64_t rows = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, to.stride(0)));
    for (int64_t row = 0; row < to.size(0); row += rows) {
      const int64_t count = std::min(rows, to.size(0) - row);
      copies.emplace_back(to.narrow(0, row, count), from.narrow(0, row, count));
    }
  }
  at::parallel_for(0, static_cast<int64_t>(copies.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto& [to, from] = copies[static_cast<size_t>(i)];
      at::Tensor(to).copy_(from);
    }
  });
  return flat;
}

}  // namespace precis
