#include "lib/ops/cached_attention.h"

#include "lib/ops/cached_attention_aten.h"
#include "lib/ops/cached_attention_cpu.h"
#include "lib/ops/device_kernels.h"
#include "lib/ops/route.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {

void cached_attention(const CachedRows& where, int64_t n_head, const at::Tensor& qkv,
                      const at::Tensor& cache, const at::Tensor& out) {
  Route route = route_of(out);
  if (route == Route::kDevice && !device::cached_attention_fits(out.size(1) / n_head))
    route = Route::kComposed;
  if (route == Route::kDevice) return device::cached_attention(where, n_head, qkv, cache, out);
  if (route == Route::kComposed) return aten::cached_attention(where, n_head, qkv, cache, out);
  with_element(out.scalar_type(), [&]<typename T>(T) {
    cpu::cached_attention<T>(where, {n_head, out.size(1) / n_head}, data_or_null<T>(qkv),
                             data_or_null<T>(cache), data_or_null<T>(out));
  });
}

}  // namespace precis::ops
