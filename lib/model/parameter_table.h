// The parameters of a model: a family declares them once, and where each lies in the flat buffers
// of weights, gradients and moments, how it starts, what the optimizer does to it and when its
// gradient may be summed over ranks all follow from that.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace precis {

/// What a parameter is before training.
struct Start {
  double mean = 0, std = 0;  ///< normal; std 0: the mean throughout

  static Start zeros() { return {}; }
  static Start ones() { return {1, 0}; }
  static Start normal(double std) { return {0, std}; }
};

/// One parameter as its family declares it.
struct Parameter {
  std::string name;  ///< in files, as `transformer.h.0.attn.c_attn.weight`
  std::vector<int64_t> shape;
  Start start;
  /// Backward runs through stages 0, 1, ...; once it has gone through this one the gradient is
  /// final.
  int64_t stage = 0;
  bool decay = false;     ///< gets weight decay
  bool trainable = true;  ///< else frozen: no gradient, no moments, nothing to sum over ranks
};

/// A parameter and its place. Weights have room for all parameters, gradients and moments for those
/// that are trained.
struct ParameterSlot : Parameter {
  int64_t numel = 0;
  int64_t offset = 0;           ///< in a flat buffer of weights
  int64_t gradient_offset = 0;  ///< in one of gradients or moments; nothing there if frozen
};

/// Gradients of parameters by their index in the table; undefined where one is frozen.
using Gradients = std::vector<at::Tensor>;

class ParameterTable {
 public:
  /// `in_flat_order`: as the buffers have them, stages ascending, so that a prefix of the gradients
  /// is final at any time. `in_file_order`: all their names as torch's named_parameters() has them.
  ParameterTable(std::vector<Parameter> in_flat_order,
                 const std::vector<std::string>& in_file_order);

  /// The same table with just these parameters frozen. Throws DataError naming one that there is
  /// not.
  ParameterTable with_frozen(std::span<const std::string> names) const;

  int64_t numel() const { return numel_; }                      ///< of weights
  int64_t trainable_numel() const { return trainable_numel_; }  ///< of gradients and moments
  /// In flat order: a parameter's index is its place here.
  const std::vector<ParameterSlot>& slots() const { return slots_; }
  /// Indices into slots() in the order of files.
  const std::vector<size_t>& file_order() const { return file_order_; }
  /// The index of a name. Throws std::out_of_range: families ask for what they have declared.
  size_t index(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string> frozen() const;

  /// How many elements of a flat gradient are final after a stage.
  int64_t final_after(int64_t stage) const { return stage_ends_.at(static_cast<size_t>(stage)); }
  int64_t num_stages() const { return static_cast<int64_t>(stage_ends_.size()); }

  /// Views of a flat buffer of weights [numel()], by index; of any dtype.
  std::vector<at::Tensor> views(const at::Tensor& weights) const;
  at::Tensor view(const at::Tensor& weights, const ParameterSlot& slot) const;
  /// The same of gradients or moments [trainable_numel()]; undefined for the frozen.
  Gradients gradient_views(const at::Tensor& gradients) const;
  at::Tensor gradient_view(const at::Tensor& gradients, const ParameterSlot& slot) const;

 private:
  void place();

  std::vector<ParameterSlot> slots_;
  std::vector<size_t> file_order_;
  std::vector<int64_t> stage_ends_;
  int64_t numel_ = 0, trainable_numel_ = 0;
};

/// Weights before training, a pure function of the seed: float32 [numel].
at::Tensor initial_parameters(const ParameterTable& table, uint64_t seed);

}  // namespace precis
