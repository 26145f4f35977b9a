#include "lib/train/flat_parameters.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <bit>

#include "lib/base/random.h"

namespace precis {

FlatParameters::FlatParameters(const ParameterLayout& layout, const at::Tensor& initial,
                               at::ScalarType compute, at::Device device, Collectives& collectives)
    : layout_(layout),
      master_(initial.to(device, at::kFloat, /*non_blocking=*/false, /*copy=*/true)),
      gradient_(collectives.allocate(layout.numel(), device)) {
  compute_ = compute == at::kFloat ? master_ : master_.to(compute);
  weights_ = {layout_.view(master_), layout_.view(compute_)};
  gradients_ = layout_.view(gradient_);
}

void FlatParameters::refresh() {
  if (compute_.scalar_type() != at::kFloat) compute_.copy_(master_);
}

uint64_t FlatParameters::digest() const {
  return digest_of(master_);
}

GptWeights make_weights(const ParameterLayout& layout, const at::Tensor& flat,
                        at::ScalarType compute) {
  return {layout.view(flat), layout.view(compute == at::kFloat ? flat : flat.to(compute))};
}

uint64_t digest_of(const at::Tensor& flat) {
  const at::Tensor host = flat.to(at::kCPU).contiguous();
  const auto* values = host.data_ptr<float>();
  return at::parallel_reduce(
      int64_t{0}, host.numel(), int64_t{1} << 16, uint64_t{0},
      [&](int64_t from, int64_t to, uint64_t sum) {
        for (int64_t i = from; i < to; ++i) sum += splitmix64(std::bit_cast<uint32_t>(values[i]));
        return sum;
      },
      [](uint64_t a, uint64_t b) { return a + b; });
}

}  // namespace precis
