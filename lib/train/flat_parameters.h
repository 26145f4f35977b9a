// Parameters and gradients as one flat buffer each: one collective a bucket, one norm, one
// optimizer call, one cast.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/comm/collectives.h"
#include "lib/model/gpt2/gpt2_model.h"

namespace precis {

class FlatParameters {
 public:
  /// `initial`: float32 [numel] on the CPU, copied. The gradient lies where `collectives` sums
  /// fastest; it must outlive this.
  FlatParameters(const ParameterLayout& layout, const at::Tensor& initial, at::ScalarType compute,
                 at::Device device, Collectives& collectives);

  const ParameterLayout& layout() const { return layout_; }
  at::Tensor& master() { return master_; }      ///< float32 [numel]
  at::Tensor& gradient() { return gradient_; }  ///< float32 [numel]
  const GptWeights& weights() const { return weights_; }
  const GptTensors& gradients() const { return gradients_; }

  /// Renews the compute copy after the master changed.
  void refresh();
  /// Order-independent digest of the float32 bits of all parameters.
  uint64_t digest() const;

 private:
  ParameterLayout layout_;
  at::Tensor master_, compute_, gradient_;
  GptWeights weights_;
  GptTensors gradients_;
};

/// Weights alone, for evaluation and prediction.
GptWeights make_weights(const ParameterLayout& layout, const at::Tensor& flat,
                        at::ScalarType compute);

/// The digest of FlatParameters for any float32 tensor.
uint64_t digest_of(const at::Tensor& flat);

}  // namespace precis
