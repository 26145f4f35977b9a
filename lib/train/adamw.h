// AdamW (Loshchilov and Hutter, 2019) over the flat buffer by ATen's fused operator: equal to
// torch.optim.AdamW with nanoGPT's two groups, weight decay on matrices and none on vectors
// (Parameter::decay says which).
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "lib/train/flat_parameters.h"
#include "lib/train/train_config.h"

namespace precis {

class AdamW {
 public:
  AdamW(FlatParameters& parameters, const TrainConfig& config);

  /// One step. The gradient is divided by `divisor` on the way (loss scale, clipping).
  void step(double learning_rate, double divisor);

  at::Tensor& exp_avg() { return exp_avg_; }        ///< float32 [trainable_numel], flat order
  at::Tensor& exp_avg_sq() { return exp_avg_sq_; }  ///< float32 [trainable_numel]
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps);

 private:
  /// Neighbouring slots of one kind, as views of the flat buffers.
  struct Group {
    std::vector<at::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
    double weight_decay = 0;
  };
  void add(Group& group, FlatParameters& parameters, std::span<const ParameterSlot> run);

  double beta1_, beta2_, eps_;
  at::Tensor exp_avg_, exp_avg_sq_;
  at::Tensor step_, divisor_;  // float32 scalars on the device
  int64_t steps_ = 0;
  std::vector<Group> groups_;
};

}  // namespace precis
