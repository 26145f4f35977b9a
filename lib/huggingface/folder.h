// Hugging Face folders in and out: what their files are called and hold is here, what the tensors
// of a family are called is the family's.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "lib/formats/value.h"
#include "lib/model/families.h"
#include "lib/model/model_shape.h"
#include "lib/text/bpe_tokenizer.h"

namespace precis {

/// By the names of the parameter table (`transformer.h.0.attn.c_attn.weight`), float32 on the CPU;
/// matrices of linear layers are (out, in), the transpose of Hugging Face's Conv1D.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

struct ImportedModel {
  AnyShape shape;
  NamedTensors parameters;  ///< in the order of files; they lie as there, to be read only
  std::filesystem::path folder;
  Value config;                      ///< config.json
  Value generation = Value::dict();  ///< generation_config.json, if there is one
  std::string left_out;  ///< a sentence about tensors that are no part of the model; else empty
};

/// Reads config.json and the weights: model.safetensors, else the shards of
/// model.safetensors.index.json, else pytorch_model.bin, else the shards of
/// pytorch_model.bin.index.json. Names are read as WeightTable says; low-precision weights are
/// widened. Throws DataError naming file, tensor, expected and found shape: for what is missing,
/// superfluous in the model's body, of another shape or of no family that is known.
ImportedModel read_hugging_face(const std::filesystem::path& folder,
                                const ModelFamilies& families = known_families());

/// All parameters in one tensor, in flat order: float32 [numel].
at::Tensor flat_of(const ImportedModel& model);

/// Whether a path is such a folder, by its config.json.
bool is_hugging_face_folder(const std::filesystem::path& path);

/// What goes into a folder.
struct ExportedModel {
  const ModelShape& shape;
  const NamedTensors& parameters;  ///< all of the shape's; what files have besides is as it starts
  const BpeTokenizer& tokenizer;   ///< the vocabulary that goes along
  Value generation =
      Value::dict();  ///< for generation_config.json, in transformers' names; eos_token_id, if it
                      ///< is there, is of an id or a list of ids, else <|endoftext|>'s is added
};

/// Writes a folder that transformers and CTranslate2 load. It is made beside and put in place as
/// one; a folder that is there already is replaced if it holds nothing but files of such a folder.
/// Throws DataError otherwise.
void write_hugging_face(const std::filesystem::path& folder, const ExportedModel& model);

}  // namespace precis
