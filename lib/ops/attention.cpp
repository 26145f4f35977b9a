#include "lib/ops/attention.h"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include "lib/base/profile.h"
#include "lib/ops/attention_aten.h"
#include "lib/ops/attention_cpu.h"
#include "lib/ops/attention_fused.h"
#include "lib/ops/device_kernels.h"
#include "lib/ops/route.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {

namespace {

cpu::AttentionShape shape_of(const Segments& segments, int64_t n_head, const at::Tensor& out) {
  return {segments.num_samples(), n_head, out.size(1) / n_head, segments.host_offsets.data(),
          segments.keys.data_ptr<int64_t>()};
}

/// What runs: without dropout ATen's fused kernels come first, where they fit.
enum class Kernel { kCpu, kOurs, kFused, kComposed };
Kernel choose(const Segments& segments, const at::Tensor& qkv, int64_t n_head, Dropout dropout) {
  const int64_t head_size = qkv.size(1) / 3 / n_head;
  const Route route = route_of(qkv);
  switch (route) {
    case Route::kCpu:
      break;
    case Route::kDevice:
      if (!dropout.active() && fused::attention_fits(head_size, qkv)) return Kernel::kFused;
      if (device::attention_fits(head_size, qkv.scalar_type())) return Kernel::kOurs;
      [[fallthrough]];
    case Route::kComposed:
      break;
  }
  TORCH_CHECK(!segments.host_offsets.empty(),
              "this attention asks the host where samples begin, and cannot be recorded");
  return route == Route::kCpu ? Kernel::kCpu : Kernel::kComposed;
}

}  // namespace

AttentionState attention(const Segments& segments, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state) {
  const ProfileScope scope(Part::kAttention);
  const Kernel kernel = choose(segments, qkv, n_head, dropout);
  if (kernel == Kernel::kOurs)
    return device::attention(segments, n_head, dropout, qkv, out, want_state);
  if (kernel == Kernel::kFused) return fused::attention(segments, n_head, qkv, out, want_state);
  if (kernel == Kernel::kComposed)
    return aten::attention(segments, n_head, dropout, qkv, out, want_state);
  AttentionState state;
  if (want_state) state.log_sum_exp = at::empty({n_head, out.size(0)}, at::kFloat);
  with_element(out.scalar_type(), [&]<typename T>(T) {
    cpu::attention<T>(shape_of(segments, n_head, out), dropout, data_or_null<T>(qkv),
                      data_or_null<T>(out), data_or_null<float>(state.log_sum_exp));
  });
  return state;
}

void attention_backward(const Segments& segments, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const AttentionTensors& tensors,
                        const at::Tensor& grad_qkv) {
  const ProfileScope scope(Part::kAttention);
  const auto& [qkv, out, grad_out] = tensors;
  const Kernel kernel = choose(segments, qkv, n_head, dropout);
  if (kernel == Kernel::kOurs)
    return device::attention_backward(segments, n_head, dropout, state, tensors, grad_qkv);
  if (kernel == Kernel::kFused)
    return fused::attention_backward(segments, n_head, state, tensors, grad_qkv);
  if (kernel == Kernel::kComposed)
    return aten::attention_backward(segments, n_head, dropout, state, tensors, grad_qkv);
  with_element(out.scalar_type(), [&]<typename T>(T) {
    cpu::attention_backward<T>(shape_of(segments, n_head, out), dropout, data_or_null<T>(qkv),
                               data_or_null<T>(out), data_or_null<T>(grad_out),
                               data_or_null<float>(state.log_sum_exp), data_or_null<T>(grad_qkv));
  });
}

}  // namespace precis::ops
