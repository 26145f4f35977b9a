#include <ATen/ops/empty.h>

#include "lib/ops/device_kernels.h"
#include "lib/ops/device_spans.h"
#include "lib/ops/launch.cuh"
#include "lib/ops/norm_kernels.cuh"
#include "lib/ops/sums_kernels.cuh"

namespace precis::ops::device {

using namespace precis::kernels;  // NOLINT: what kernels are written in

namespace {

/// Calls work with the fewest warps that hold a row, as a type.
template <class Work>
void with_warps(int64_t channels, const Work& work) {
  if (channels <= NormRow<1>::kChannels)
    work(NormRow<1>{});
  else if (channels <= NormRow<2>::kChannels)
    work(NormRow<2>{});
  else
    work(NormRow<4>{});
}

template <int kWarps>
constexpr int warps(NormRow<kWarps>) {
  return kWarps;
}

}  // namespace

bool norm_fits(int64_t channels) {
  return channels <= NormRow<4>::kChannels;
}

void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowDropout& drop,
                   const Norm& norm, const NormState& state, const at::Tensor& h) {
  const int64_t n = h.size(0), c = h.size(1);
  with_element(h.scalar_type(), [&](auto element) {
    using T = decltype(element);
    with_warps(c, [&](auto row) {
      using Row = decltype(row);
      ResidualNorm<T, warps(Row{})> kernel{read<float>(x_in),
                                           read<T>(y),
                                           read<float>(norm.weight),
                                           read<float>(norm.bias),
                                           write<float>(state.x),
                                           write<T>(h),
                                           write<float>(state.mean),
                                           write<float>(state.rstd),
                                           names_of(drop.rows),
                                           y.defined() ? drop.dropout : Dropout(),
                                           n,
                                           c,
                                           static_cast<float>(norm.epsilon)};
      launch({divide_up(n, Row::kRows), Row::kThreads / kWarp * int{sizeof(float)}}, kernel);
    });
  });
}

void residual_norm_backward(const at::Tensor& grad_h, const RowDropout& drop, const Norm& norm,
                            const NormState& state, const NormGradients& gradients) {
  const int64_t n = grad_h.size(0), c = grad_h.size(1);
  if (n == 0) return;
  with_element(grad_h.scalar_type(), [&](auto element) {
    using T = decltype(element);
    with_warps(c, [&](auto row) {
      using Row = decltype(row);
      using Kernel = ResidualNormBackward<T, warps(Row{})>;
      const int64_t blocks = sum_blocks(n, Row::kRows);
      const at::Tensor partial = at::empty({blocks, Kernel::kSums, c}, state.x.options());
      const Kernel kernel{read<T>(grad_h),
                          read<float>(state.x),
                          read<float>(state.mean),
                          read<float>(state.rstd),
                          read<float>(norm.weight),
                          write<float>(gradients.residual),
                          write<T>(gradients.grad_y),
                          write<float>(partial),
                          names_of(drop.rows),
                          drop.dropout,
                          n,
                          c,
                          blocks};
      launch({blocks,
              (Row::kThreads / kWarp + static_cast<int>(Kernel::kSums * c)) * int{sizeof(float)}},
             kernel);
      using Sums = AddPartialSums<Kernel::kSums>;
      const at::Tensor of_y = gradients.grad_y.defined() ? gradients.grad_y_sums : at::Tensor();
      launch({Sums::grid_blocks(c), 0},
             Sums{read<float>(partial),
                  {write<float>(gradients.norm.weight), write<float>(gradients.norm.bias),
                   write<float>(of_y)},
                  blocks,
                  c});
    });
  });
}

}  // namespace precis::ops::device
