#include "lib/ops/attention_aten.h"

#include <ATen/ATen.h>

#include <cmath>

#include "lib/ops/dropout_aten.h"

namespace precis::ops::aten {

namespace {

/// One head of one sample, with its rows of an [N, parts * C] array.
struct Head {
  int64_t begin, length, first_channel, size;
  at::Tensor of(const at::Tensor& rows, int64_t part = 0) const {
    const int64_t width = first_channel + part * part_width;
    return rows.narrow(0, begin, length).narrow(1, width, size);
  }
  int64_t part_width;  ///< C
};

template <typename Work>
void for_each_head(const Segments& segments, int64_t n_head, int64_t c, const Work& work) {
  for (int64_t sample = 0; sample < segments.num_samples(); ++sample) {
    const int64_t begin = segments.host_offsets[static_cast<size_t>(sample)];
    const int64_t length = segments.host_offsets[static_cast<size_t>(sample) + 1] - begin;
    if (length == 0) continue;
    for (int64_t head = 0; head < n_head; ++head)
      work(sample, head, Head{begin, length, head * (c / n_head), c / n_head, c});
  }
}

/// Scaled scores [T, T] of a head, float32; later keys count for nothing.
at::Tensor scores_of(const Head& head, const at::Tensor& qkv) {
  const at::Tensor q = head.of(qkv, 0).to(at::kFloat), k = head.of(qkv, 1).to(at::kFloat);
  const at::Tensor later =
      at::ones({head.length, head.length}, q.options().dtype(at::kBool)).triu_(1);
  return at::matmul(q, k.t())
      .mul_(1.0 / std::sqrt(static_cast<double>(head.size)))
      .masked_fill_(later, -INFINITY);
}

/// [T, T] float32: what dropout multiplies the probabilities with.
at::Tensor multipliers(const Segments& segments, Dropout dropout, int64_t sample, int64_t plane,
                       int64_t length) {
  const at::Tensor positions = at::arange(length, segments.keys.options());
  const RowIds queries{segments.keys.narrow(0, sample, 1).expand({length}), positions};
  return dropout_multipliers(queries, dropout, length, plane);
}

}  // namespace

AttentionState attention(const Segments& segments, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state) {
  AttentionState state;
  if (want_state)
    state.log_sum_exp = at::empty({n_head, out.size(0)}, out.options().dtype(at::kFloat));
  for_each_head(segments, n_head, out.size(1), [&](int64_t sample, int64_t plane, const Head& of) {
    const at::Tensor scores = scores_of(of, qkv);
    const at::Tensor log_sum = scores.logsumexp(-1);
    if (want_state)
      state.log_sum_exp.select(0, plane).narrow(0, of.begin, of.length).copy_(log_sum);
    at::Tensor p = (scores - log_sum.unsqueeze(1)).exp_();
    if (dropout.active()) p.mul_(multipliers(segments, dropout, sample, plane, of.length));
    of.of(out).copy_(at::matmul(p, of.of(qkv, 2).to(at::kFloat)));
  });
  return state;
}

void attention_backward(const Segments& segments, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const AttentionTensors& tensors,
                        const at::Tensor& grad_qkv) {
  const auto& [qkv, out, grad_out] = tensors;
  for_each_head(segments, n_head, out.size(1), [&](int64_t sample, int64_t plane, const Head& of) {
    const at::Tensor q = of.of(qkv, 0).to(at::kFloat), k = of.of(qkv, 1).to(at::kFloat),
                     v = of.of(qkv, 2).to(at::kFloat), go = of.of(grad_out).to(at::kFloat);
    const at::Tensor log_sum =
        state.log_sum_exp.select(0, plane).narrow(0, of.begin, of.length).unsqueeze(1);
    const at::Tensor p = (scores_of(of, qkv) - log_sum).exp_();
    const at::Tensor dot = (of.of(out).to(at::kFloat) * go).sum(1, /*keepdim=*/true);
    at::Tensor kept = p, grad_p = at::matmul(go, v.t());
    if (dropout.active()) {
      const at::Tensor keep = multipliers(segments, dropout, sample, plane, of.length);
      kept = p * keep;
      grad_p.mul_(keep);
    }
    const at::Tensor grad_scores =
        grad_p.sub_(dot).mul_(p).mul_(1.0 / std::sqrt(static_cast<double>(of.size)));
    of.of(grad_qkv, 0).copy_(at::matmul(grad_scores, k));
    of.of(grad_qkv, 1).copy_(at::matmul(grad_scores.t(), q));
    of.of(grad_qkv, 2).copy_(at::matmul(kept.t(), go));
  });
}

}  // namespace precis::ops::aten
