#include <ATen/ops/empty.h>
#include <ATen/ops/sum.h>

#include "lib/ops/cross_entropy_kernels.cuh"
#include "lib/ops/device_kernels.h"
#include "lib/ops/device_spans.h"
#include "lib/ops/launch.cuh"

namespace precis::ops::device {

using namespace precis::kernels;  // NOLINT: what kernels are written in

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const GradientScale& scale) {
  const int64_t rows = logits.size(0), v = logits.size(1), stride = logits.stride(0);
  const at::Tensor losses = at::empty({rows}, logits.options().dtype(at::kDouble));
  with_element(logits.scalar_type(), [&](auto element) {
    using T = decltype(element);
    using Kernel = CrossEntropy<T>;
    const int64_t size = rows == 0 ? 0 : (rows - 1) * stride + v;
    launch({rows, Kernel::kThreads / kWarp * int{sizeof(float)}},
           Kernel{{logits.data_ptr<T>(), size},
                  read<int64_t>(targets),
                  write<double>(losses),
                  v,
                  stride,
                  static_cast<float>(scale.number),
                  read<float>(scale.tensor)});
  });
  return losses.sum();
}

}  // namespace precis::ops::device
