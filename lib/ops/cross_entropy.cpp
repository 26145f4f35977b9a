#include "lib/ops/cross_entropy.h"

#include <ATen/ops/scalar_tensor.h>

#include "lib/ops/cross_entropy_aten.h"
#include "lib/ops/cross_entropy_cpu.h"
#include "lib/ops/device_kernels.h"
#include "lib/ops/route.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const GradientScale& scale) {
  const Route route = route_of(logits);
  if (route == Route::kDevice) return device::cross_entropy(logits, targets, scale);
  if (route == Route::kComposed) return aten::cross_entropy(logits, targets, scale);
  const float factor = scale.tensor.defined() ? *scale.tensor.const_data_ptr<float>()
                                              : static_cast<float>(scale.number);
  double loss = 0;
  with_element(logits.scalar_type(), [&]<typename T>(T) {
    loss = cpu::cross_entropy<T>(logits.size(0), logits.size(1), data_or_null<T>(logits),
                                 data_or_null<int64_t>(targets), factor);
  });
  return at::scalar_tensor(loss, at::kDouble);
}

}  // namespace precis::ops
