#include "lib/train/flat_parameters.h"

#include <ATen/ATen.h>

#include "lib/tensor/digest.h"

namespace precis {

FlatParameters::FlatParameters(const ParameterTable& table, const at::Tensor& initial,
                               at::ScalarType compute, at::Device device, Collectives& collectives)
    : table_(table),
      master_(initial.to(device, at::kFloat, /*non_blocking=*/false, /*copy=*/true)),
      gradient_(collectives.allocate(table.trainable_numel(), device)) {
  compute_ = compute == at::kFloat ? master_ : master_.to(compute);
  weights_ = {table_.views(master_), table_.views(compute_), {}};
  gradients_ = table_.gradient_views(gradient_);
}

void FlatParameters::refresh() {
  if (compute_.scalar_type() != at::kFloat) compute_.copy_(master_);
}

uint64_t FlatParameters::digest() const {
  return digest_of(master_);
}

}  // namespace precis
