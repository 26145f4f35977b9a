#include "lib/ops/sums.h"

#include <ATen/ATen.h>

#include <cmath>

#include "lib/base/profile.h"
#include "lib/ops/device_kernels.h"
#include "lib/ops/route.h"
#include "lib/ops/sums_cpu.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {

void add_column_sums(const at::Tensor& a, const at::Tensor& sums) {
  const ProfileScope scope(Part::kNorm);
  const Route route = route_of(a);
  if (route == Route::kDevice) return device::add_column_sums(a, sums);
  if (route == Route::kComposed) {
    at::Tensor(sums).add_(a.sum(0, false, at::kFloat));
    return;
  }
  with_element(a.scalar_type(), [&]<typename T>(T) {
    cpu::add_column_sums<T>(a.size(0), a.size(1), data_or_null<T>(a), data_or_null<float>(sums));
  });
}

at::Tensor norm_tensor(const at::Tensor& a) {
  const Route route = route_of(a);
  if (route == Route::kDevice) return device::sum_of_squares(a).sqrt();
  if (route == Route::kComposed) return a.norm(2, at::kDouble);
  return at::scalar_tensor(std::sqrt(cpu::sum_of_squares(a.numel(), a.data_ptr<float>())),
                           at::kDouble);
}

double norm_of(const at::Tensor& a) {
  return norm_tensor(a).item<double>();
}

}  // namespace precis::ops
