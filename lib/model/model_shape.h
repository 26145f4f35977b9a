// What the weights of a model imply, whichever its family.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/polymorphic.h"
#include "lib/model/cost.h"
#include "lib/model/language_model.h"
#include "lib/model/parameter_table.h"

namespace precis {

class ModelFamily;

/// A size that the weights have, by the key of the config's model section that would ask for it, as
/// it is written there: n_layer, 12.
struct ModelSize {
  std::string key, value;
};

/// The shape of a model. Each family has its own; a value is held as Polymorphic<ModelShape>.
class ModelShape {
 public:
  int64_t block_size = 1024;   ///< positions: the longest input
  int64_t vocab_size = 50257;  ///< rows of logits
  double dropout = 0;          ///< in training

  virtual ~ModelShape() = default;
  virtual std::unique_ptr<ModelShape> clone() const = 0;

  virtual const ModelFamily& family() const = 0;
  /// All of them that a config may ask for.
  virtual std::vector<ModelSize> sizes() const = 0;
  /// The sizes that people go by: "12 layers, 12 heads, width 768".
  virtual std::string words() const = 0;

  virtual int64_t num_layers() const = 0;
  virtual ParameterTable parameters() const = 0;
  /// `element_size`: bytes of an activation in products.
  virtual ModelCost cost(int64_t element_size) const = 0;
  /// What one micro-batch asks of a GPU, by kinds of operation; empty where a family does not say.
  virtual std::vector<OperationCount> operation_counts(const StepCounts& micro_batch,
                                                       int64_t element_size) const {
    (void)micro_batch, (void)element_size;
    return {};
  }
  /// A model of this shape; `table`: that of parameters(), perhaps with some of them frozen.
  virtual std::unique_ptr<LanguageModel> make_model(const ParameterTable& table,
                                                    at::Device device) const = 0;

  /// What all families have; each compares the rest.
  bool operator==(const ModelShape&) const = default;

 protected:
  ModelShape() = default;
  ModelShape(const ModelShape&) = default;
  ModelShape& operator=(const ModelShape&) = default;
};

using AnyShape = Polymorphic<ModelShape>;

}  // namespace precis
