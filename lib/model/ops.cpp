#include "lib/model/ops.h"

#include <ATen/ATen.h>

#include <vector>

#include "lib/model/device_ops.h"
#include "lib/ops/kernels_cpu.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {
namespace {

template <typename T>
T* data(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

cpu::RowIds raw(const RowIds& rows) {
  return {data<int64_t>(rows.keys), data<int64_t>(rows.positions)};
}

cpu::AttentionShape attention_shape(const RaggedBatch& batch, int64_t n_head,
                                    const at::Tensor& out) {
  return {batch.num_samples(), n_head, out.size(1) / n_head, batch.host_offsets.data(),
          batch.sample_keys.data_ptr<int64_t>()};
}

/// Whether ATen's product of this type runs at a reasonable rate. On CPUs without instructions for
/// bfloat16 it is a plain loop, fifty times slower than float32; then operands are widened, which
/// is what those instructions do inside.
bool multiplies_well(const at::Tensor& a) {
  if (!a.is_cpu() || a.scalar_type() == at::kFloat) return true;
#if defined(__x86_64__)
  return a.scalar_type() == at::kBFloat16 && __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

at::Tensor wide(const at::Tensor& a) {
  return a.to(at::kFloat);
}

}  // namespace

void embed(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& wte,
           const at::Tensor& wpe, Dropout dropout, const at::Tensor& out) {
  if (!out.is_cpu()) return device::embed(tokens, rows, wte, wpe, dropout, out);
  cpu::embed(out.size(0), out.size(1), data<int64_t>(tokens), raw(rows), data<float>(wte),
             data<float>(wpe), dropout, data<float>(out));
}

void embed_backward(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& grad_out,
                    Dropout dropout, const at::Tensor& grad_wte, const at::Tensor& grad_wpe) {
  if (!grad_out.is_cpu())
    return device::embed_backward(tokens, rows, grad_out, dropout, grad_wte, grad_wpe);
  cpu::embed_backward(grad_out.size(0), grad_out.size(1), data<int64_t>(tokens), raw(rows),
                      data<float>(grad_out), dropout, data<float>(grad_wte), data<float>(grad_wpe));
}

void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowIds& rows, Dropout dropout,
                   const Norm& norm, const NormState& state, const at::Tensor& h) {
  if (!h.is_cpu()) return device::residual_norm(x_in, y, rows, dropout, norm, state, h);
  with_element(h.scalar_type(), [&]<typename T>(T) {
    const cpu::NormForward<T> arrays{
        data<float>(x_in),    data<T>(y), data<float>(norm.weight), data<float>(norm.bias),
        data<float>(state.x), data<T>(h), data<float>(state.mean),  data<float>(state.rstd)};
    cpu::residual_norm<T>({h.size(0), h.size(1), norm.epsilon}, raw(rows), dropout, arrays);
  });
}

void residual_norm_backward(const at::Tensor& grad_h, const RowIds& rows, Dropout dropout,
                            const Norm& norm, const NormState& state, const at::Tensor& residual,
                            const at::Tensor& grad_y, const Norm& grads) {
  if (!grad_h.is_cpu())
    return device::residual_norm_backward(grad_h, rows, dropout, norm, state, residual, grad_y,
                                          grads);
  with_element(grad_h.scalar_type(), [&]<typename T>(T) {
    const cpu::NormBackward<T> arrays{
        data<T>(grad_h),         data<float>(state.x),      data<float>(state.mean),
        data<float>(state.rstd), data<float>(norm.weight),  data<float>(residual),
        data<T>(grad_y),         data<float>(grads.weight), data<float>(grads.bias)};
    cpu::residual_norm_backward<T>({grad_h.size(0), grad_h.size(1), norm.epsilon}, raw(rows),
                                   dropout, arrays);
  });
}

AttentionState attention(const RaggedBatch& batch, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state) {
  if (!out.is_cpu()) return device::attention(batch, n_head, dropout, qkv, out, want_state);
  AttentionState state;
  if (want_state) state.log_sum_exp = at::empty({n_head, out.size(0)}, at::kFloat);
  with_element(out.scalar_type(), [&]<typename T>(T) {
    cpu::attention<T>(attention_shape(batch, n_head, out), dropout, data<T>(qkv), data<T>(out),
                      data<float>(state.log_sum_exp));
  });
  return state;
}

void attention_backward(const RaggedBatch& batch, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const at::Tensor& qkv, const at::Tensor& out,
                        const at::Tensor& grad_out, const at::Tensor& grad_qkv) {
  if (!out.is_cpu())
    return device::attention_backward(batch, n_head, dropout, state, qkv, out, grad_out, grad_qkv);
  with_element(out.scalar_type(), [&]<typename T>(T) {
    cpu::attention_backward<T>(attention_shape(batch, n_head, out), dropout, data<T>(qkv),
                               data<T>(out), data<T>(grad_out), data<float>(state.log_sum_exp),
                               data<T>(grad_qkv));
  });
}

void cached_attention(const CacheTable& where, int64_t n_head, const at::Tensor& qkv,
                      const at::Tensor& cache, const at::Tensor& out) {
  if (!out.is_cpu()) return device::cached_attention(where, n_head, qkv, cache, out);
  with_element(out.scalar_type(), [&]<typename T>(T) {
    cpu::cached_attention<T>(
        {where.rows, n_head, out.size(1) / n_head, where.stride, where.table, where.lengths},
        data<T>(qkv), data<T>(cache), data<T>(out));
  });
}

void linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
            const at::Tensor& out) {
  at::Tensor to = out;
  if (!multiplies_well(x)) {
    const at::Tensor w = wide(weight).t();
    to.copy_(bias.defined() ? at::addmm(wide(bias), wide(x), w) : at::mm(wide(x), w));
  } else if (bias.defined()) {
    at::addmm_out(to, bias, x, weight.t());
  } else {
    at::mm_out(to, x, weight.t());
  }
}

void linear_backward(const at::Tensor& grad_y, const at::Tensor& x, const at::Tensor& weight,
                     const at::Tensor& grad_weight, const at::Tensor& grad_bias,
                     const at::Tensor& grad_x) {
  at::Tensor to = grad_weight;
  const bool well = multiplies_well(grad_y);
  const at::Tensor dy = well ? grad_y : wide(grad_y);
  if (dy.scalar_type() == at::kFloat)
    at::addmm_out(to, to, dy.t(), well ? x : wide(x));
  else
    to.add_(at::mm(dy.t(), x));  // products in the low precision accumulate in float32 inside, and
                                 // across micro-batches here
  if (grad_bias.defined()) {
    if (grad_y.is_cpu())
      with_element(grad_y.scalar_type(), [&]<typename T>(T) {
        cpu::add_column_sums<T>(grad_y.size(0), grad_y.size(1), data<T>(grad_y),
                                data<float>(grad_bias));
      });
    else
      at::Tensor(grad_bias).add_(grad_y.sum(0, false, at::kFloat));
  }
  if (grad_x.defined()) {
    at::Tensor out = grad_x;
    if (well)
      at::mm_out(out, grad_y, weight);
    else
      out.copy_(at::mm(dy, wide(weight)));
  }
}

void gelu(const at::Tensor& x, bool tanh, const at::Tensor& out) {
  at::Tensor to = out;
  at::gelu_out(to, x, tanh ? "tanh" : "none");
}

void gelu_backward(const at::Tensor& grad_y, const at::Tensor& x, bool tanh,
                   const at::Tensor& grad_x) {
  at::Tensor to = grad_x;
  at::gelu_backward_out(to, grad_y, x, tanh ? "tanh" : "none");
}

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets, double scale) {
  if (!logits.is_cpu()) return device::cross_entropy(logits, targets, scale);
  double loss = 0;
  with_element(logits.scalar_type(), [&]<typename T>(T) {
    loss = cpu::cross_entropy<T>(logits.size(0), logits.size(1), data<T>(logits),
                                 data<int64_t>(targets), static_cast<float>(scale));
  });
  return at::scalar_tensor(loss, at::kDouble);
}

}  // namespace precis::ops
