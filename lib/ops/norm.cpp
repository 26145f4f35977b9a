#include "lib/ops/norm.h"

#include "lib/base/profile.h"
#include "lib/ops/device_kernels.h"
#include "lib/ops/norm_aten.h"
#include "lib/ops/norm_cpu.h"
#include "lib/ops/route.h"
#include "lib/ops/sums.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {
namespace {

Route norm_route(const at::Tensor& h) {
  const Route route = route_of(h);
  return route == Route::kDevice && !device::norm_fits(h.size(1)) ? Route::kComposed : route;
}

}  // namespace

void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowDropout& drop,
                   const Norm& norm, const NormState& state, const at::Tensor& h) {
  const ProfileScope scope(Part::kNorm);
  const Route route = norm_route(h);
  if (route == Route::kDevice) return device::residual_norm(x_in, y, drop, norm, state, h);
  if (route == Route::kComposed) return aten::residual_norm(x_in, y, drop, norm, state, h);
  with_element(h.scalar_type(), [&]<typename T>(T) {
    const cpu::NormForward<T> arrays{
        data_or_null<float>(x_in),        data_or_null<T>(y),
        data_or_null<float>(norm.weight), data_or_null<float>(norm.bias),
        data_or_null<float>(state.x),     data_or_null<T>(h),
        data_or_null<float>(state.mean),  data_or_null<float>(state.rstd)};
    cpu::residual_norm<T>({h.size(0), h.size(1), norm.epsilon}, drop.rows.raw(), drop.dropout,
                          arrays);
  });
}

void residual_norm_backward(const at::Tensor& grad_h, const RowDropout& drop, const Norm& norm,
                            const NormState& state, const NormGradients& gradients) {
  const ProfileScope scope(Part::kNorm);
  const Route route = norm_route(grad_h);
  if (route == Route::kDevice)
    return device::residual_norm_backward(grad_h, drop, norm, state, gradients);
  if (route == Route::kComposed) {
    aten::residual_norm_backward(grad_h, drop, norm, state, gradients);
    if (gradients.grad_y.defined() && gradients.grad_y_sums.defined())
      add_column_sums(gradients.grad_y, gradients.grad_y_sums);
    return;
  }
  with_element(grad_h.scalar_type(), [&]<typename T>(T) {
    const cpu::NormBackward<T> arrays{data_or_null<T>(grad_h),
                                      data_or_null<float>(state.x),
                                      data_or_null<float>(state.mean),
                                      data_or_null<float>(state.rstd),
                                      data_or_null<float>(norm.weight),
                                      data_or_null<float>(gradients.residual),
                                      data_or_null<T>(gradients.grad_y),
                                      data_or_null<float>(gradients.norm.weight),
                                      data_or_null<float>(gradients.norm.bias),
                                      data_or_null<float>(gradients.grad_y_sums)};
    cpu::residual_norm_backward<T>({grad_h.size(0), grad_h.size(1), norm.epsilon}, drop.rows.raw(),
                                   drop.dropout, arrays);
  });
}

}  // namespace precis::ops
