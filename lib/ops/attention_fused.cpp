#include "lib/ops/attention_fused.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <tuple>

#ifdef PRECIS_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif

namespace precis::ops::fused {

namespace {

constexpr double kDropout = 0;
constexpr int64_t kCausal = 1;  // of the memory-efficient kernels: from the upper left

/// q, k or v [N, H, D] of qkv [N, 3C].
at::Tensor part(const at::Tensor& qkv, int64_t which, int64_t n_head) {
  const int64_t c = qkv.size(1) / 3;
  return qkv.narrow(1, which * c, c).view({qkv.size(0), n_head, c / n_head});
}

/// Flash attention needs a half type and sm_80; ATen's memory-efficient kernel does the rest.
bool flash_fits(const at::Tensor& qkv) {
#ifdef PRECIS_HAS_CUDA
  return qkv.scalar_type() != at::kFloat &&
         at::cuda::getDeviceProperties(qkv.get_device())->major >= 8;
#else
  return qkv.scalar_type() != at::kFloat;
#endif
}

}  // namespace

bool attention_fits(int64_t head_size, const at::Tensor& qkv) {
  constexpr int64_t kFlashMost = 256, kBytes = 16;
  return qkv.is_cuda() && head_size * static_cast<int64_t>(qkv.element_size()) % kBytes == 0 &&
         (head_size <= kFlashMost || !flash_fits(qkv));
}

AttentionState attention(const Segments& segments, int64_t n_head, const at::Tensor& qkv,
                         const at::Tensor& out, bool want_state) {
  const at::Tensor q = part(qkv, 0, n_head), k = part(qkv, 1, n_head), v = part(qkv, 2, n_head);
  AttentionState state;
  at::Tensor result;
  if (flash_fits(qkv)) {
    std::tie(result, state.log_sum_exp, state.seed, state.offset, std::ignore) =
        at::_flash_attention_forward(q, k, v, segments.offsets, segments.offsets,
                                     segments.max_length, segments.max_length, kDropout,
                                     /*is_causal=*/true, false);
  } else {
    std::tie(result, state.log_sum_exp, state.seed, state.offset, std::ignore, std::ignore) =
        at::_efficient_attention_forward(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), {},
                                         segments.offsets, segments.offsets, segments.max_length,
                                         segments.max_length, kDropout, kCausal, want_state);
  }
  at::Tensor(out).copy_(result.reshape_as(out));
  return state;
}

void attention_backward(const Segments& segments, int64_t n_head, const AttentionState& state,
                        const AttentionTensors& tensors, const at::Tensor& grad_qkv) {
  const auto& [qkv, out, grad_out] = tensors;
  const at::Tensor q = part(qkv, 0, n_head), k = part(qkv, 1, n_head), v = part(qkv, 2, n_head);
  const at::Tensor o = out.view_as(q), go = grad_out.view_as(q);
  at::Tensor grad_q, grad_k, grad_v;
  if (flash_fits(qkv)) {
    std::tie(grad_q, grad_k, grad_v) = at::_flash_attention_backward(
        go, q, k, v, o, state.log_sum_exp, segments.offsets, segments.offsets, segments.max_length,
        segments.max_length, kDropout, /*is_causal=*/true, state.seed, state.offset);
  } else {
    std::tie(grad_q, grad_k, grad_v, std::ignore) = at::_efficient_attention_backward(
        go.unsqueeze(0), q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), {}, o.unsqueeze(0),
        segments.offsets, segments.offsets, segments.max_length, segments.max_length,
        state.log_sum_exp, kDropout, state.seed, state.offset, kCausal,
        /*bias_requires_grad=*/false);
  }
  const int64_t c = out.size(1);
  const at::Tensor* grads[] = {&grad_q, &grad_k, &grad_v};
  for (int64_t i = 0; i < 3; ++i)
    grad_qkv.narrow(1, i * c, c).copy_(grads[i]->reshape({out.size(0), c}));
}

}  // namespace precis::ops::fused
