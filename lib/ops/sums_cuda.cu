#include <ATen/ops/empty.h>
#include <ATen/ops/sum.h>

#include <algorithm>

#include "lib/ops/device_kernels.h"
#include "lib/ops/device_spans.h"
#include "lib/ops/launch.cuh"
#include "lib/ops/sums_kernels.cuh"

namespace precis::ops::device {

using namespace precis::kernels;  // NOLINT: what kernels are written in

void add_column_sums(const at::Tensor& a, const at::Tensor& sums) {
  const int64_t n = a.size(0), c = a.size(1);
  if (n == 0) return;
  with_element(a.scalar_type(), [&](auto element) {
    using T = decltype(element);
    using Kernel = PartialColumnSums<T>;
    const int64_t blocks = sum_blocks(n, 1);
    const at::Tensor partial = at::empty({blocks, c}, sums.options());
    launch({blocks * divide_up(c, Kernel::kThreads), 0},
           Kernel{read<T>(a), write<float>(partial), n, c, blocks});
    using Sums = AddPartialSums<1>;
    launch({Sums::grid_blocks(c), 0}, Sums{read<float>(partial), {write<float>(sums)}, blocks, c});
  });
}

at::Tensor sum_of_squares(const at::Tensor& a) {
  constexpr int64_t kBlocks = 1024;
  const int64_t blocks = std::min(kBlocks, divide_up(a.numel(), PartialSquares::kThreads));
  const at::Tensor partial = at::empty({blocks}, a.options().dtype(at::kDouble));
  launch({blocks, PartialSquares::kThreads * int{sizeof(double)}},
         PartialSquares{read<float>(a), write<double>(partial), blocks});
  return partial.sum();
}

}  // namespace precis::ops::device
