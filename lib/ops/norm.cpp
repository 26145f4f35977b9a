#include "lib/ops/norm.h"

#include "lib/ops/norm_aten.h"
#include "lib/ops/norm_cpu.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {

void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowIds& rows, Dropout dropout,
                   const Norm& norm, const NormState& state, const at::Tensor& h) {
  if (!h.is_cpu()) return aten::residual_norm(x_in, y, rows, dropout, norm, state, h);
  with_element(h.scalar_type(), [&]<typename T>(T) {
    const cpu::NormForward<T> arrays{
        data_or_null<float>(x_in),        data_or_null<T>(y),
        data_or_null<float>(norm.weight), data_or_null<float>(norm.bias),
        data_or_null<float>(state.x),     data_or_null<T>(h),
        data_or_null<float>(state.mean),  data_or_null<float>(state.rstd)};
    cpu::residual_norm<T>({h.size(0), h.size(1), norm.epsilon}, rows.raw(), dropout, arrays);
  });
}

void residual_norm_backward(const at::Tensor& grad_h, const RowIds& rows, Dropout dropout,
                            const Norm& norm, const NormState& state, const at::Tensor& residual,
                            const at::Tensor& grad_y, const Norm& grads) {
  if (!grad_h.is_cpu())
    return aten::residual_norm_backward(grad_h, rows, dropout, norm, state, residual, grad_y,
                                        grads);
  with_element(grad_h.scalar_type(), [&]<typename T>(T) {
    const cpu::NormBackward<T> arrays{
        data_or_null<T>(grad_h),          data_or_null<float>(state.x),
        data_or_null<float>(state.mean),  data_or_null<float>(state.rstd),
        data_or_null<float>(norm.weight), data_or_null<float>(residual),
        data_or_null<T>(grad_y),          data_or_null<float>(grads.weight),
        data_or_null<float>(grads.bias)};
    cpu::residual_norm_backward<T>({grad_h.size(0), grad_h.size(1), norm.epsilon}, rows.raw(),
                                   dropout, arrays);
  });
}

}  // namespace precis::ops
