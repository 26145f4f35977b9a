// A model with all that belongs to it, from a checkpoint or a Hugging Face folder, and back.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/checkpoint/progress.h"
#include "lib/data/dataset.h"
#include "lib/formats/value.h"
#include "lib/generate/end_tokens.h"
#include "lib/generate/generation_config.h"
#include "lib/model/families.h"
#include "lib/model/model_shape.h"
#include "lib/model/parameter_table.h"
#include "lib/text/prompt.h"
#include "lib/text/vocabulary_files.h"
#include "lib/train/train_config.h"

namespace precis {

struct OptimizerMoments {
  at::Tensor exp_avg, exp_avg_sq;  ///< float32 [trainable_numel], flat order
};

/// A model with all that belongs to it. What a file does not say is empty.
struct ModelFile {
  std::string where;  ///< the file or folder, absolute
  AnyShape shape;
  std::vector<std::string> frozen;  ///< parameters that are not trained
  at::Tensor flat;                  ///< float32 [numel] in the order of table()
  std::optional<OptimizerMoments> optimizer;
  std::optional<VocabularyTexts> tokenizer;
  std::optional<PromptConfig> prompt;
  std::optional<GenerationConfig> generation;
  EndTokens end_tokens;  ///< ids that end a text; empty: the vocabulary's <|endoftext|>
  std::vector<std::string> warnings;             ///< about the weights, for people
  std::vector<std::string> generation_warnings;  ///< about settings of decoding that are not kept
  Progress progress;
  DataDigests data;         ///< of the rows that it is trained on and validated with
  std::string config_yaml;  ///< of the run that made it, as it was read
  bool is_checkpoint = false;

  /// Both kinds, for programs that decode with the model's own settings.
  std::vector<std::string> all_warnings() const {
    std::vector<std::string> all = warnings;
    all.insert(all.end(), generation_warnings.begin(), generation_warnings.end());
    return all;
  }
  ParameterTable table() const { return shape->parameters().with_frozen(frozen); }
};

/// Reads a .pt checkpoint: ours or nanoGPT's, its tensors named as WeightTable reads them. Throws
/// DataError naming file and entry, expected and found.
ModelFile read_checkpoint(const std::filesystem::path& path,
                          const ModelFamilies& families = known_families());

/// The content of a checkpoint, over the memory of `model`'s tensors (which must stay as it is
/// until the value is gone): nanoGPT's keys, its two optimizer groups in its order, and ours under
/// `precis`.
Value checkpoint_value(const ModelFile& model, const TrainConfig& train, double learning_rate,
                       const std::string& config_yaml);

/// Uses only the first `block_size` positions, as nanoGPT's crop_block_size; optimizer moments too.
void crop_positions(ModelFile& model, int64_t block_size);

}  // namespace precis
