#include "lib/ops/attention.h"

#include <ATen/ops/empty.h>

#include "lib/ops/attention_aten.h"
#include "lib/ops/attention_cpu.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {

namespace {

cpu::AttentionShape shape_of(const Segments& segments, int64_t n_head, const at::Tensor& out) {
  return {segments.num_samples(), n_head, out.size(1) / n_head, segments.host_offsets.data(),
          segments.keys.data_ptr<int64_t>()};
}

}  // namespace

AttentionState attention(const Segments& segments, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state) {
  if (!out.is_cpu()) return aten::attention(segments, n_head, dropout, qkv, out, want_state);
  AttentionState state;
  if (want_state) state.log_sum_exp = at::empty({n_head, out.size(0)}, at::kFloat);
  with_element(out.scalar_type(), [&]<typename T>(T) {
    cpu::attention<T>(shape_of(segments, n_head, out), dropout, data_or_null<T>(qkv),
                      data_or_null<T>(out), data_or_null<float>(state.log_sum_exp));
  });
  return state;
}

void attention_backward(const Segments& segments, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const at::Tensor& qkv, const at::Tensor& out,
                        const at::Tensor& grad_out, const at::Tensor& grad_qkv) {
  if (!out.is_cpu())
    return aten::attention_backward(segments, n_head, dropout, state, qkv, out, grad_out, grad_qkv);
  with_element(out.scalar_type(), [&]<typename T>(T) {
    cpu::attention_backward<T>(shape_of(segments, n_head, out), dropout, data_or_null<T>(qkv),
                               data_or_null<T>(out), data_or_null<T>(grad_out),
                               data_or_null<float>(state.log_sum_exp), data_or_null<T>(grad_qkv));
  });
}

}  // namespace precis::ops
