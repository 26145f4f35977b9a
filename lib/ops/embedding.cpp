#include "lib/ops/embedding.h"

#include "lib/base/profile.h"
#include "lib/ops/device_kernels.h"
#include "lib/ops/embedding_aten.h"
#include "lib/ops/embedding_cpu.h"
#include "lib/ops/route.h"

namespace precis::ops {

void embed(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& wte,
           const at::Tensor& wpe, const at::Tensor& out) {
  const ProfileScope scope(Part::kEmbedding);
  const Route route = route_of(out);
  if (route == Route::kDevice) return device::embed(tokens, drop, wte, wpe, out);
  if (route == Route::kComposed) return aten::embed(tokens, drop, wte, wpe, out);
  cpu::embed(out.size(0), out.size(1), data_or_null<int64_t>(tokens), drop.rows.raw(),
             data_or_null<float>(wte), data_or_null<float>(wpe), drop.dropout,
             data_or_null<float>(out));
}

void embed_backward(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& grad_out,
                    const at::Tensor& grad_wte, const at::Tensor& grad_wpe) {
  const ProfileScope scope(Part::kEmbedding);
  const Route route = route_of(grad_out);
  if (route == Route::kDevice)
    return device::embed_backward(tokens, drop, grad_out, grad_wte, grad_wpe);
  if (route == Route::kComposed)
    return aten::embed_backward(tokens, drop, grad_out, grad_wte, grad_wpe);
  cpu::embed_backward(grad_out.size(0), grad_out.size(1), data_or_null<int64_t>(tokens),
                      drop.rows.raw(), data_or_null<float>(grad_out), drop.dropout,
                      data_or_null<float>(grad_wte), data_or_null<float>(grad_wpe));
}

}  // namespace precis::ops
