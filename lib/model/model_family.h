// A kind of model: how its shape is told in configs and files, and by which names files have its
// tensors. A new kind is a folder of lib/model and a line in families.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/formats/value.h"
#include "lib/model/model_settings.h"
#include "lib/model/model_shape.h"

namespace precis {

/// What a .pt checkpoint says of a shape.
struct CheckpointShape {
  Value model_args = Value::dict();  ///< nanoGPT's, by its names
  Value precis = Value::dict();      ///< what nanoGPT has no name for
};

class ModelFamily {
 public:
  virtual ~ModelFamily() = default;

  /// As model.family, a checkpoint and config.json's model_type name it: "gpt2".
  virtual std::string name() const = 0;
  /// As people call it: "GPT-2".
  virtual std::string title() const = 0;
  /// What the names of its classes in transformers begin with: "GPT2".
  virtual std::string_view class_prefix() const = 0;

  // ---- shapes ----

  /// A shape for new weights. Throws ConfigError naming the keys that cannot be meant.
  virtual AnyShape from_settings(const ModelSettings& settings, int64_t block_size,
                                 int64_t vocab_size) const = 0;
  /// Throws DataError, which begins with `file`.
  virtual AnyShape from_checkpoint(const Value& model_args, const Value* precis,
                                   const std::string& file) const = 0;
  virtual CheckpointShape to_checkpoint(const ModelShape& shape) const = 0;
  /// From a parsed config.json of transformers; what it does not say has transformers' default.
  /// Throws DataError, which begins with `file`.
  virtual AnyShape from_config_json(const Value& config, const std::string& file) const = 0;
  /// `end_id`: the id of <|endoftext|>.
  virtual Value to_config_json(const ModelShape& shape, int64_t end_id) const = 0;
  /// The parameters that transformers' files have in any case: those beyond the shape's own are
  /// written as they start.
  virtual ParameterTable exported_parameters(const ModelShape& shape) const = 0;

  // ---- names of tensors in files ----

  /// What stands in front of the names of the body: "transformer."; may be empty.
  virtual std::string_view body_prefix() const { return {}; }
  /// Whether a tensor, by its name without that, is of what computes the logits: if it is no
  /// parameter, the file is not this model's.
  virtual bool is_of_body(std::string_view plain_name) const = 0;
  /// Whether a tensor is no parameter and may be passed over without a word.
  virtual bool is_ignored(std::string_view /*plain_name*/) const { return false; }
  /// Whether transformers has the matrix as (in, out), the transpose of ours.
  virtual bool is_transposed(std::string_view /*name*/) const { return false; }
  /// The parameter that files hold a second time as the head, and its name there; empty: none.
  struct TiedHead {
    std::string_view parameter, head;
  };
  virtual TiedHead tied_head() const { return {}; }
};

}  // namespace precis
