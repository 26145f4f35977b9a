// The operations made of ATen's operators, which GPUs run, against our CPU kernels.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "lib/ops/cached_attention_aten.h"
#include "lib/ops/cross_entropy_aten.h"
#include "lib/ops/dropout_aten.h"
#include "lib/ops/dropout_cpu.h"
#include "lib/ops/embedding_aten.h"
#include "lib/ops/norm_aten.h"

namespace precis {
namespace {

constexpr int64_t kRows = 37, kChannels = 72;

ops::RowIds row_ids() {
  return {at::arange(kRows) * 7919 - 50000, at::arange(kRows) % 11};
}

TEST(AtenOps, DropoutMultipliersAreTheKernelsBitForBit) {
  const ops::RowIds rows = row_ids();
  for (const double p : {0.1, 0.5}) {
    const Dropout dropout(p, DropoutSite::mlp_output(3));
    const at::Tensor composed = ops::aten::dropout_multipliers(rows, dropout, kChannels);
    int64_t dropped = 0;
    for (int64_t i = 0; i < kRows; ++i) {
      std::vector<float> kernel(128);
      cpu::dropout_multipliers(
          dropout, dropout.key(static_cast<uint64_t>(rows.keys[i].item<int64_t>())), kChannels,
          static_cast<uint32_t>(rows.positions[i].item<int64_t>()), 0, kernel.data());
      for (int64_t k = 0; k < kChannels; ++k) {
        ASSERT_EQ(composed[i][k].item<float>(), kernel[static_cast<size_t>(k)]) << i << " " << k;
        dropped += kernel[static_cast<size_t>(k)] == 0.0F ? 1 : 0;
      }
    }
    const auto n = static_cast<double>(kRows * kChannels);
    EXPECT_NEAR(static_cast<double>(dropped), n * p, 4 * std::sqrt(n * p * (1 - p)));
  }
}

TEST(AtenOps, EmbeddingAgrees) {
  const ops::RowIds rows = row_ids();
  const at::Tensor tokens = at::arange(kRows) % 5, wte = at::randn({5, kChannels}),
                   wpe = at::randn({11, kChannels}), grad = at::randn({kRows, kChannels});
  const Dropout dropout(0.2, DropoutSite::embedding());
  at::Tensor a = at::empty({kRows, kChannels}), b = at::empty_like(a);
  ops::embed(tokens, {rows, dropout}, wte, wpe, a);
  ops::aten::embed(tokens, {rows, dropout}, wte, wpe, b);
  EXPECT_TRUE(at::allclose(a, b));
  const at::Tensor ga = at::zeros_like(wte), pa = at::zeros_like(wpe), gb = at::zeros_like(wte),
                   pb = at::zeros_like(wpe);
  ops::embed_backward(tokens, {rows, dropout}, grad, ga, pa);
  ops::aten::embed_backward(tokens, {rows, dropout}, grad, gb, pb);
  EXPECT_TRUE(at::allclose(ga, gb, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(pa, pb, 1e-4, 1e-5));
}

TEST(AtenOps, ResidualNormAgreesForwardAndBackward) {
  const ops::RowIds rows = row_ids();
  const Dropout dropout(0.3, DropoutSite::attention_output(1));
  const at::Tensor x = at::randn({kRows, kChannels}), y = at::randn({kRows, kChannels}),
                   grad_h = at::randn({kRows, kChannels}), above = at::randn({kRows, kChannels});
  const ops::Norm norm{at::randn({kChannels}), at::randn({kChannels}), 1e-5};
  struct Side {
    ops::NormState state{at::empty({kRows, kChannels}), at::empty({kRows}), at::empty({kRows})};
    at::Tensor h = at::empty({kRows, kChannels}), residual, grad_y = at::empty({kRows, kChannels});
    ops::Norm grads{at::zeros({kChannels}), at::zeros({kChannels}), 1e-5};
  } a, b;
  ops::residual_norm(x, y, {rows, dropout}, norm, a.state, a.h);
  ops::aten::residual_norm(x, y, {rows, dropout}, norm, b.state, b.h);
  EXPECT_TRUE(at::allclose(a.h, b.h, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(a.state.rstd, b.state.rstd, 1e-4, 1e-6));
  a.residual = above.clone();
  b.residual = above.clone();
  ops::residual_norm_backward(grad_h, {rows, dropout}, norm, a.state,
                              {a.residual, a.grad_y, {}, a.grads});
  ops::aten::residual_norm_backward(grad_h, {rows, dropout}, norm, b.state,
                                    {b.residual, b.grad_y, {}, b.grads});
  EXPECT_TRUE(at::allclose(a.residual, b.residual, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(a.grad_y, b.grad_y, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(a.grads.weight, b.grads.weight, 1e-4, 1e-4));
  EXPECT_TRUE(at::allclose(a.grads.bias, b.grads.bias, 1e-4, 1e-4));
}

TEST(AtenOps, CrossEntropyAgreesWithItsGradient) {
  const at::Tensor logits = at::randn({9, 5003}) * 5, targets = at::arange(9) * 555;
  at::Tensor a = logits.clone(), b = logits.clone();
  const double loss_a = ops::cross_entropy(a, targets, 0.25).item<double>(),
               loss_b = ops::aten::cross_entropy(b, targets, 0.25).item<double>();
  EXPECT_NEAR(loss_a, loss_b, 1e-5 * loss_b);
  EXPECT_TRUE(at::allclose(a, b, 1e-4, 1e-7));
  at::Tensor untouched = logits.clone();
  ops::cross_entropy(untouched, targets, 0);
  EXPECT_TRUE(at::equal(untouched, logits));
}

TEST(AtenOps, CachedAttentionAgrees) {
  const int64_t heads = 3, c = 24;
  const std::vector<int32_t> lengths{5, 1, 4}, table{3, 1, 4, 0, 2, 5, 0, 0, 0, 0, 7, 6, 8, 9, 0};
  const CachedRows where{table.data(), lengths.data(), 3, 5, nullptr, nullptr};
  const at::Tensor qkv = at::randn({3, 3 * c}), before = at::randn({10, 2 * c}),
                   cache_a = before.clone(), cache_b = before.clone();
  at::Tensor a = at::empty({3, c}), b = at::empty({3, c});
  ops::cached_attention(where, heads, qkv, cache_a, a);
  ops::aten::cached_attention(where, heads, qkv, cache_b, b);
  EXPECT_TRUE(at::allclose(a, b, 1e-4, 1e-6));
  at::Tensor kept = before.clone();
  const std::vector<int64_t> newest{2, 5, 9};  // the last slots of the rows
  for (int64_t row = 0; row < 3; ++row)
    kept.select(0, newest[static_cast<size_t>(row)]).copy_(qkv.select(0, row).narrow(0, c, 2 * c));
  EXPECT_TRUE(at::equal(cache_a, kept));
  EXPECT_TRUE(at::equal(cache_b, kept));
}

}  // namespace
}  // namespace precis
