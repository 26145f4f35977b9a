#include "lib/model/device_ops.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <algorithm>
#include <cmath>

#ifdef PRECIS_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif
#ifdef PRECIS_HAS_CUDA_KERNELS
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>

#include "lib/ops/dropout_cuda.h"
#endif

namespace precis::ops::device {
namespace {

constexpr int64_t kWord = 0xFFFFFFFF;

/// High and low words of a 32-bit constant times 32-bit numbers held in int64: by halves, as the
/// product needs 64 unsigned bits.
std::pair<at::Tensor, at::Tensor> multiply_wide(int64_t constant, const at::Tensor& x) {
  const int64_t high = constant >> 16, low = constant & 0xFFFF;
  const at::Tensor a = x * low, b = x * high;  // below 2^48
  const at::Tensor sum = a + (b.bitwise_and(0xFFFF) * 65536);
  return {(b.bitwise_right_shift(16) + sum.bitwise_right_shift(32)).bitwise_and(kWord),
          sum.bitwise_and(kWord)};
}

at::Tensor shift_right_unsigned(const at::Tensor& x, int64_t bits) {
  return x.bitwise_right_shift(bits).bitwise_and((int64_t{1} << (64 - bits)) - 1);
}

at::Tensor splitmix64(at::Tensor x) {  // wraps around as uint64 does
  x = x + static_cast<int64_t>(0x9E3779B97F4A7C15ULL);
  x = x.bitwise_xor(shift_right_unsigned(x, 30)) * static_cast<int64_t>(0xBF58476D1CE4E5B9ULL);
  x = x.bitwise_xor(shift_right_unsigned(x, 27)) * static_cast<int64_t>(0x94D049BB133111EBULL);
  return x.bitwise_xor(shift_right_unsigned(x, 31));
}

at::Tensor composed_multipliers(const RowIds& rows, Dropout dropout, int64_t c) {
  const int64_t n = rows.keys.size(0), groups = (c + kDropoutGroup - 1) / kDropoutGroup;
  const at::Tensor key =
      splitmix64(rows.keys + static_cast<int64_t>(dropout.site * 0x9E3779B97F4A7C15ULL))
          .unsqueeze(1);
  at::Tensor k0 = key.bitwise_and(kWord), k1 = shift_right_unsigned(key, 32);
  at::Tensor c0 = at::arange(groups * 8, key.options()).unsqueeze(0).expand({n, groups * 8});
  at::Tensor c1 = rows.positions.unsqueeze(1).expand_as(c0), c2 = at::zeros_like(c0), c3 = c2;
  for (int round = 0; round < 10; ++round) {
    const auto [high_p, low_p] = multiply_wide(0xD2511F53, c0);
    const auto [high_q, low_q] = multiply_wide(0xCD9E8D57, c2);
    c0 = high_q.bitwise_xor(c1).bitwise_xor(k0);
    c2 = high_p.bitwise_xor(c3).bitwise_xor(k1);
    c1 = low_q;
    c3 = low_p;
    k0 = (k0 + 0x9E3779B9).bitwise_and(kWord);
    k1 = (k1 + 0xBB67AE85).bitwise_and(kWord);
  }
  // [N, groups, word, half, lane]
  const at::Tensor words =
      at::stack({c0, c1, c2, c3}, 1).view({n, 4, groups, 1, 8}).permute({0, 2, 1, 3, 4});
  const at::Tensor bits = at::cat({words.bitwise_and(0xFFFF), words.bitwise_right_shift(16)}, 3)
                              .reshape({n, groups * kDropoutGroup});
  return bits.narrow(1, 0, c)
      .ge(static_cast<int64_t>(dropout.threshold))
      .to(at::kFloat)
      .mul_(dropout.scale());
}

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

at::Tensor dropout_multipliers(const RowIds& rows, Dropout dropout, int64_t c) {
#ifdef PRECIS_HAS_CUDA_KERNELS
  if (rows.keys.is_cuda()) {
    const c10::cuda::CUDAGuard guard(rows.keys.device());
    at::Tensor out = at::empty({rows.keys.size(0), c}, rows.keys.options().dtype(at::kFloat));
    const cuda::DropoutRows on_device{rows.keys.const_data_ptr<int64_t>(),
                                      rows.positions.const_data_ptr<int64_t>(), rows.keys.size(0)};
    C10_CUDA_CHECK(cuda::dropout_multipliers(on_device, dropout, c, out.data_ptr<float>(),
                                             at::cuda::getCurrentCUDAStream()));
    return out;
  }
#endif
  return composed_multipliers(rows, dropout, c);
}

void embed(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& wte,
           const at::Tensor& wpe, Dropout dropout, const at::Tensor& out) {
  at::Tensor to = out;
  at::index_select_out(to, wte, 0, tokens);
  to.add_(wpe.index_select(0, rows.positions));
  if (dropout.active()) to.mul_(dropout_multipliers(rows, dropout, to.size(1)));
}

void embed_backward(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& grad_out,
                    Dropout dropout, const at::Tensor& grad_wte, const at::Tensor& grad_wpe) {
  const at::Tensor grad =
      dropout.active() ? grad_out * dropout_multipliers(rows, dropout, grad_out.size(1)) : grad_out;
  at::Tensor(grad_wte).index_add_(0, tokens, grad);
  at::Tensor(grad_wpe).index_add_(0, rows.positions, grad);
}

void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowIds& rows, Dropout dropout,
                   const Norm& norm, const NormState& state, const at::Tensor& h) {
  at::Tensor x = state.x;
  if (y.defined()) {
    if (dropout.active())
      at::addcmul_out(x, x_in, y.to(at::kFloat), dropout_multipliers(rows, dropout, x.size(1)));
    else
      at::add_out(x, x_in, y.to(at::kFloat));
  }
  auto [out, mean, rstd] =
      at::native_layer_norm(x, {x.size(1)}, norm.weight, norm.bias, norm.epsilon);
  at::Tensor(h).copy_(out);
  if (state.mean.defined()) {
    at::Tensor(state.mean).copy_(mean.view(-1));
    at::Tensor(state.rstd).copy_(rstd.view(-1));
  }
}

void residual_norm_backward(const at::Tensor& grad_h, const RowIds& rows, Dropout dropout,
                            const Norm& norm, const NormState& state, const at::Tensor& residual,
                            const at::Tensor& grad_y, const Norm& grads) {
  const auto [grad_x, grad_weight, grad_bias] = at::native_layer_norm_backward(
      grad_h.to(at::kFloat), state.x, {state.x.size(1)}, state.mean.unsqueeze(1),
      state.rstd.unsqueeze(1), norm.weight, norm.bias, {true, true, norm.bias.defined()});
  at::Tensor(residual).add_(grad_x);
  at::Tensor(grads.weight).add_(grad_weight);
  if (grads.bias.defined()) at::Tensor(grads.bias).add_(grad_bias);
  if (!grad_y.defined()) return;
  if (dropout.active())
    at::Tensor(grad_y).copy_(residual * dropout_multipliers(rows, dropout, residual.size(1)));
  else
    at::Tensor(grad_y).copy_(residual);
}

AttentionState attention(const RaggedBatch& batch, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state) {
  const at::Tensor q = part(qkv, 0, n_head), k = part(qkv, 1, n_head), v = part(qkv, 2, n_head);
  const double p = dropout.threshold / 65536.0;
  // CUDA's attention kernels draw by batch slot from the generator: seeding it by micro-batch and
  // block makes them repeatable.
  if (dropout.active()) {
    at::Generator generator = at::globalContext().defaultGenerator(qkv.device());
    generator.set_current_seed(dropout.key(batch.dropout_key));
  }
  AttentionState state;
  at::Tensor result;
  if (flash_fits(qkv)) {
    std::tie(result, state.log_sum_exp, state.seed, state.offset, std::ignore) =
        at::_flash_attention_forward(q, k, v, batch.offsets, batch.offsets, batch.max_length,
                                     batch.max_length, p, /*is_causal=*/true, false);
  } else {
    constexpr int64_t kCausal = 1;
    std::tie(result, state.log_sum_exp, state.seed, state.offset, std::ignore, std::ignore) =
        at::_efficient_attention_forward(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), {},
                                         batch.offsets, batch.offsets, batch.max_length,
                                         batch.max_length, p, kCausal, want_state);
  }
  at::Tensor(out).copy_(result.reshape_as(out));
  return state;
}

void attention_backward(const RaggedBatch& batch, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const at::Tensor& qkv, const at::Tensor& out,
                        const at::Tensor& grad_out, const at::Tensor& grad_qkv) {
  const at::Tensor q = part(qkv, 0, n_head), k = part(qkv, 1, n_head), v = part(qkv, 2, n_head);
  const at::Tensor o = out.view_as(q), go = grad_out.view_as(q);
  const double p = dropout.threshold / 65536.0;
  at::Tensor grad_q, grad_k, grad_v;
  if (flash_fits(qkv)) {
    std::tie(grad_q, grad_k, grad_v) = at::_flash_attention_backward(
        go, q, k, v, o, state.log_sum_exp, batch.offsets, batch.offsets, batch.max_length,
        batch.max_length, p, /*is_causal=*/true, state.seed, state.offset);
  } else {
    constexpr int64_t kCausal = 1;
    std::tie(grad_q, grad_k, grad_v, std::ignore) = at::_efficient_attention_backward(
        go.unsqueeze(0), q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), {}, o.unsqueeze(0),
        batch.offsets, batch.offsets, batch.max_length, batch.max_length, state.log_sum_exp, p,
        state.seed, state.offset, kCausal, /*bias_requires_grad=*/false);
  }
  const int64_t c = out.size(1);
  const at::Tensor* grads[] = {&grad_q, &grad_k, &grad_v};
  for (int64_t i = 0; i < 3; ++i)
    grad_qkv.narrow(1, i * c, c).copy_(grads[i]->reshape({out.size(0), c}));
}

void cached_attention(const CacheTable& where, int64_t n_head, const at::Tensor& qkv,
                      const at::Tensor& cache, const at::Tensor& out) {
  const int64_t rows = where.rows, c = out.size(1), d = c / n_head;
  const auto host = at::TensorOptions(at::kInt);
  auto* table =
      const_cast<int32_t*>(where.table);  // NOLINT: read only, ATen has no tensors of const memory
  auto* lengths = const_cast<int32_t*>(where.lengths);  // NOLINT
  const at::Tensor count = at::from_blob(lengths, {rows}, host).to(qkv.device()).unsqueeze(1);
  const int64_t longest = *std::max_element(lengths, lengths + rows);
  const at::Tensor slots =
      at::from_blob(table, {rows, longest}, {where.stride, 1}, host).to(qkv.device(), at::kLong);
  const at::Tensor kv = cache.index_select(0, slots.view(-1)).view({rows, longest, 2, n_head, d});
  const at::Tensor q = qkv.narrow(1, 0, c).view({rows, n_head, 1, d});
  const at::Tensor k = kv.select(2, 0).permute({0, 2, 3, 1}), v = kv.select(2, 1).transpose(1, 2);
  at::Tensor scores = at::matmul(q, k).to(at::kFloat).mul_(1.0 / std::sqrt(static_cast<double>(d)));
  const at::Tensor beyond =
      at::arange(longest, count.options()).unsqueeze(0).ge(count).view({rows, 1, 1, longest});
  scores = scores.masked_fill(beyond, -INFINITY).softmax(-1).to(v.scalar_type());
  at::Tensor(out).copy_(at::matmul(scores, v).view({rows, c}));
}

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets, double scale) {
  const at::Tensor log_p = logits.to(at::kFloat).log_softmax(-1);
  const at::Tensor index = targets.unsqueeze(1);
  const at::Tensor loss = log_p.gather(1, index).to(at::kDouble).sum().neg();
  if (scale != 0) {
    at::Tensor grad = log_p.exp();
    grad.scatter_add_(1, index, at::full({1, 1}, -1.0, grad.options()).expand_as(index));
    at::Tensor(logits).copy_(grad.mul_(scale));
  }
  return loss;
}

}  // namespace precis::ops::device
