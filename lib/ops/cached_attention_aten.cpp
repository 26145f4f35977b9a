#include "lib/ops/cached_attention_aten.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace precis::ops::aten {

void cached_attention(const CachedRows& where, int64_t n_head, const at::Tensor& qkv,
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
  const at::Tensor newest = slots.gather(1, count.to(at::kLong).sub(1)).view(-1);
  at::Tensor(cache).index_copy_(0, newest, qkv.narrow(1, c, 2 * c));
  const at::Tensor kv = cache.index_select(0, slots.view(-1)).view({rows, longest, 2, n_head, d});
  const at::Tensor q = qkv.narrow(1, 0, c).view({rows, n_head, 1, d});
  const at::Tensor k = kv.select(2, 0).permute({0, 2, 3, 1}), v = kv.select(2, 1).transpose(1, 2);
  at::Tensor scores = at::matmul(q, k).to(at::kFloat).mul_(1.0 / std::sqrt(static_cast<double>(d)));
  const at::Tensor beyond =
      at::arange(longest, count.options()).unsqueeze(0).ge(count).view({rows, 1, 1, longest});
  scores = scores.masked_fill(beyond, -INFINITY).softmax(-1).to(v.scalar_type());
  at::Tensor(out).copy_(at::matmul(scores, v).view({rows, c}));
}

}  // namespace precis::ops::aten
