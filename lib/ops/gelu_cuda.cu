#include <ATen/ops/empty.h>

#include "lib/ops/device_kernels.h"
#include "lib/ops/device_spans.h"
#include "lib/ops/gelu_kernels.cuh"
#include "lib/ops/launch.cuh"
#include "lib/ops/sums_kernels.cuh"

namespace precis::ops::device {

using namespace precis::kernels;  // NOLINT: what kernels are written in

bool gelu_fits(const at::Tensor& x) {
  constexpr int64_t kPackBytes = 16;
  return x.size(1) * static_cast<int64_t>(x.element_size()) % kPackBytes == 0 &&
         reinterpret_cast<uintptr_t>(x.const_data_ptr()) % kPackBytes == 0;
}

void gelu(const at::Tensor& x, bool tanh, const at::Tensor& out) {
  with_element(x.scalar_type(), [&](auto element) {
    using T = decltype(element);
    launch({divide_up(x.numel(), Pack<T>::kCount * Gelu<T>::kThreads), 0},
           Gelu<T>{read<T>(x), write<T>(out), tanh});
  });
}

void gelu_backward(const at::Tensor& grad_y, const at::Tensor& x, bool tanh,
                   const at::Tensor& grad_x, const at::Tensor& grad_x_sums) {
  const int64_t n = x.size(0), c = x.size(1);
  if (n == 0) return;
  with_element(x.scalar_type(), [&](auto element) {
    using T = decltype(element);
    using Kernel = GeluBackward<T>;
    const int64_t blocks = sum_blocks(n, 1),
                  across = divide_up(c, int64_t{Pack<T>::kCount} * Kernel::kThreads);
    const at::Tensor partial = at::empty({blocks, c}, x.options().dtype(at::kFloat));
    launch({blocks * across, 0}, Kernel{read<T>(grad_y), read<T>(x), write<T>(grad_x),
                                        write<float>(partial), n, c, blocks, tanh});
    using Sums = AddPartialSums<1>;
    if (grad_x_sums.defined())
      launch({Sums::grid_blocks(c), 0},
             Sums{read<float>(partial), {write<float>(grad_x_sums)}, blocks, c});
  });
}

}  // namespace precis::ops::device
