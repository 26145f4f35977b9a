// Our kernels for GPUs, run by the executor, and what is composed of ATen's operators against the
// kernels for the CPU: every operation, element type and order of threads, at shapes where tiles
// are full, cut and empty.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lib/ops/attention.h"
#include "lib/ops/cached_attention.h"
#include "lib/ops/cross_entropy.h"
#include "lib/ops/embedding.h"
#include "lib/ops/gelu.h"
#include "lib/ops/linear.h"
#include "lib/ops/norm.h"
#include "lib/ops/route.h"
#include "lib/ops/sums.h"
#include "tests/support/executor.h"

namespace precis {
namespace {

using ops::Route;
using ops::RouteGuard;
using testing::Executor;
using testing::ThreadOrder;

/// How far apart results may be, relative to their size: float32 sums in another order, or one
/// rounding to the element type.
double tolerance(at::ScalarType type) {
  return type == at::kFloat ? 2e-5 : type == at::kHalf ? 2e-3 : 1.5e-2;
}

void expect_near(const at::Tensor& a, const at::Tensor& b, double relative, const char* what) {
  ASSERT_EQ(a.sizes(), b.sizes()) << what;
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  ASSERT_TRUE(at::isfinite(x).all().item<bool>()) << what;
  EXPECT_LE((x - y).norm().item<double>(), relative * y.norm().item<double>() + 1e-12) << what;
}

/// Rows of samples as dropout names them.
ops::RowIds row_ids(int64_t n) {
  return {at::arange(n) * 7919 - 50000, at::arange(n) % 11};
}

struct Case {
  at::ScalarType type;
  Route route;
  ThreadOrder order;
};

class Device : public ::testing::TestWithParam<Case> {
 protected:
  Device() : executor_(GetParam().order) { at::manual_seed(7); }
  /// A tensor of the element type.
  at::Tensor random(at::IntArrayRef sizes) const { return at::randn(sizes).to(type_); }
  /// Runs the work by the CPU's kernels, then by the route that is tried.
  template <typename Work>
  void on_both(const Work& work) {
    for (const int side : {0, 1}) {
      const Route route = side == 0 ? Route::kCpu : GetParam().route;
      const RouteGuard guard(route);
      const int64_t before = executor_.launches();
      work(side);
      EXPECT_EQ(executor_.launches() > before, route == Route::kDevice);
    }
  }

  Executor executor_;
  at::ScalarType type_ = GetParam().type;
};

TEST_P(Device, ResidualNormForwardAndBackward) {
  for (const int64_t c : {72, 777, 1600, 2048}) {  // one, two and four warps a row
    const int64_t n = c > 800 ? 5 : 13;
    const ops::RowIds rows = row_ids(n);
    const at::Tensor x = at::randn({n, c}), y = random({n, c}), grad_h = random({n, c}),
                     above = at::randn({n, c});
    const ops::Norm norm{at::randn({c}), at::randn({c}), 1e-5};
    struct Side {
      ops::NormState state;
      at::Tensor h, residual, grad_y, sums;
      ops::Norm grads;
    } sides[2];
    for (const double p : {0.0, 0.3}) {
      const ops::RowDropout drop{rows, Dropout(p, DropoutSite::mlp_output(2))};
      on_both([&](int i) {
        Side& s = sides[i];
        s = {{at::empty({n, c}), at::empty({n}), at::empty({n})},
             at::empty({n, c}, type_),
             above.clone(),
             at::empty({n, c}, type_),
             at::ones({c}),
             {at::ones({c}), at::ones({c}), 1e-5}};
        ops::residual_norm(x, y, drop, norm, s.state, s.h);
        ops::residual_norm_backward(grad_h, drop, norm, s.state,
                                    {s.residual, s.grad_y, s.sums, s.grads});
      });
      const auto& [a, b] = sides;
      EXPECT_TRUE(at::allclose(b.state.x, a.state.x, 1e-6, 1e-6));  // the same elements dropped
      expect_near(b.h, a.h, tolerance(type_), "h");
      expect_near(b.state.rstd, a.state.rstd, 1e-5, "rstd");
      expect_near(b.residual, a.residual, 1e-5, "residual");
      expect_near(b.grad_y, a.grad_y, tolerance(type_), "grad_y");
      expect_near(b.sums, a.sums, 1e-2 * tolerance(type_) + 1e-4, "sums of grad_y");
      expect_near(b.grads.weight, a.grads.weight, 1e-4, "weight");
      expect_near(b.grads.bias, a.grads.bias, 1e-4, "bias");
    }
  }
}

TEST_P(Device, NormsWithoutBranchOrBias) {
  const int64_t n = 6, c = 80;
  const ops::RowIds rows = row_ids(n);
  const at::Tensor x = at::randn({n, c}), grad_h = random({n, c});
  const ops::Norm norm{at::randn({c}), {}, 1e-5};
  at::Tensor h[2], residual[2], weight[2];
  on_both([&](int i) {
    const ops::NormState state{x.clone(), at::empty({n}), at::empty({n})};
    h[i] = at::empty({n, c}, type_);
    residual[i] = at::zeros({n, c});
    weight[i] = at::zeros({c});
    ops::residual_norm(state.x, {}, {rows, {}}, norm, state, h[i]);
    ops::residual_norm_backward(grad_h, {rows, {}}, norm, state,
                                {residual[i], {}, {}, {weight[i], {}, 1e-5}});
    EXPECT_TRUE(at::equal(state.x, x));
  });
  expect_near(h[1], h[0], tolerance(type_), "h");
  expect_near(residual[1], residual[0], 1e-5, "residual");
  expect_near(weight[1], weight[0], 1e-4, "weight");
}

TEST_P(Device, EmbeddingForwardAndBackward) {
  const int64_t n = 37, c = 72;
  const ops::RowIds rows = row_ids(n);
  const ops::RowDropout drop{rows, Dropout(0.2, DropoutSite::embedding())};
  const at::Tensor tokens = at::arange(n) % 5, wte = at::randn({5, c}), wpe = at::randn({11, c}),
                   grad = at::randn({n, c});
  at::Tensor out[2], grad_wte[2], grad_wpe[2];
  on_both([&](int i) {
    out[i] = at::empty({n, c});
    grad_wte[i] = at::ones_like(wte);
    grad_wpe[i] = at::ones_like(wpe);
    ops::embed(tokens, drop, wte, wpe, out[i]);
    ops::embed_backward(tokens, drop, grad, grad_wte[i], {});
    ops::embed_backward(tokens, drop, grad, {}, grad_wpe[i]);
  });
  EXPECT_TRUE(at::equal(out[1], out[0]));
  expect_near(grad_wte[1], grad_wte[0], 1e-5, "wte");
  expect_near(grad_wpe[1], grad_wpe[0], 1e-5, "wpe");
}

TEST_P(Device, CrossEntropyTakesTheLogitsPlaceAndLeavesThePaddingAlone) {
  const int64_t rows = 5, v = 1003, stride = 1024;
  const at::Tensor logits = random({rows, v}) * 5, targets = at::arange(rows) * 250;
  double loss[2];
  at::Tensor gradient[2];
  on_both([&](int i) {
    at::Tensor whole = at::full({rows, stride}, 77, type_);
    at::Tensor here = i == 0 ? logits.clone() : whole.narrow(1, 0, v);
    here.copy_(logits);
    loss[i] = ops::cross_entropy(here, targets, 0).item<double>();
    EXPECT_TRUE(at::equal(here, logits));
    EXPECT_NEAR(ops::cross_entropy(here, targets, 0.25).item<double>(), loss[i], 1e-6 * loss[i]);
    gradient[i] = here;
    if (i == 1) {
      EXPECT_TRUE(whole.narrow(1, v, stride - v).eq(77).all().item<bool>());
    }
  });
  EXPECT_NEAR(loss[1], loss[0], 1e-5 * loss[0]);
  expect_near(gradient[1], gradient[0], tolerance(type_), "gradient");
}

TEST_P(Device, CrossEntropyLeavesOutTargetsThatCountNothing) {
  const int64_t v = 1003;
  const at::Tensor logits = random({4, v}) * 5, live = at::tensor(std::vector<int64_t>{0, 2}),
                   targets =
                       at::tensor(std::vector<int64_t>{250, ops::kNoTarget, 1002, ops::kNoTarget});
  on_both([&](int) {
    at::Tensor all = logits.clone(), some = logits.index_select(0, live);
    EXPECT_EQ(ops::cross_entropy(all, targets, 0).item<double>(),
              ops::cross_entropy(some, targets.index_select(0, live), 0).item<double>());
    EXPECT_TRUE(at::equal(all, logits));
    ops::cross_entropy(all, targets, 0.25);
    ops::cross_entropy(some, targets.index_select(0, live), 0.25);
    EXPECT_TRUE(at::equal(all.index_select(0, live), some));
    EXPECT_TRUE(all.index_select(0, live + 1).eq(0).all().item<bool>());
  });
}

TEST_P(Device, CrossEntropysScaleMayLieInMemory) {
  const at::Tensor logits = random({3, 1003}) * 5, targets = at::arange(3) * 250;
  on_both([&](int) {
    at::Tensor a = logits.clone(), b = logits.clone();
    ops::cross_entropy(a, targets, 1.0 / 3);
    ops::cross_entropy(b, targets, at::scalar_tensor(1.0 / 3, at::kFloat));
    EXPECT_FALSE(at::equal(a, logits));
    EXPECT_TRUE(at::equal(a, b));
  });
}

TEST_P(Device, GeluAndTheSumsOfItsGradient) {
  const int64_t n = 300, c = 40;  // more rows than blocks share the sums
  const at::Tensor x = random({n, c}) * 2, grad = random({n, c});
  for (const bool tanh : {false, true}) {
    at::Tensor out[2], grad_x[2], sums[2];
    on_both([&](int i) {
      out[i] = at::empty_like(x);
      grad_x[i] = grad.clone();
      sums[i] = at::ones({c});
      ops::gelu(x, tanh, out[i]);
      ops::gelu_backward(grad_x[i], x, tanh, grad_x[i], sums[i]);
    });
    expect_near(out[1], out[0], tolerance(type_), "gelu");
    expect_near(grad_x[1], grad_x[0], tolerance(type_), "gradient");
    expect_near(sums[1], sums[0], tolerance(type_), "sums");
  }
}

TEST_P(Device, SumsOfColumnsAndSquares) {
  const at::Tensor a = random({301, 37}), flat = at::randn({70001});
  at::Tensor sums[2];
  double norm[2];
  on_both([&](int i) {
    sums[i] = at::ones({37});
    ops::add_column_sums(a, sums[i]);
    norm[i] = ops::norm_of(flat);
  });
  expect_near(sums[1], sums[0], 1e-5, "columns");
  EXPECT_NEAR(norm[1], norm[0], 1e-6 * norm[0]);
}

TEST_P(Device, CachedAttention) {
  const int64_t heads = 3, c = 72, slots = 931, longest = 310;
  const std::vector<int32_t> lengths{310, 1, 33};
  std::vector<int32_t> table;
  for (int64_t i = 0; i < 3 * longest; ++i) table.push_back(static_cast<int32_t>(i * 37 % slots));
  const CachedRows where{table.data(), lengths.data(), 3, longest, nullptr, nullptr};
  const at::Tensor qkv = random({3, 3 * c}), before = random({slots, 2 * c});
  at::Tensor out[2], cache[2];
  on_both([&](int i) {
    out[i] = at::empty({3, c}, type_);
    cache[i] = before.clone();
    ops::cached_attention(where, heads, qkv, cache[i], out[i]);
  });
  expect_near(out[1], out[0], tolerance(type_), "out");
  EXPECT_TRUE(at::equal(cache[1], cache[0]));
  EXPECT_FALSE(at::equal(cache[0], before));
}

/// Samples of these lengths, one after another.
ops::Segments segments_of(const std::vector<int64_t>& lengths) {
  ops::Segments segments;
  segments.host_offsets = {0};
  for (const int64_t length : lengths) {
    segments.host_offsets.push_back(segments.host_offsets.back() + static_cast<int32_t>(length));
    segments.max_length = std::max(segments.max_length, length);
  }
  segments.offsets = at::tensor(segments.host_offsets, at::kInt);
  segments.keys = at::arange(static_cast<int64_t>(lengths.size())) * 1234567 - 99;
  return segments;
}

TEST_P(Device, AttentionForwardAndBackward) {
  const ops::Segments segments = segments_of({70, 1, 0, 64, 130, 33});
  const int64_t n = segments.num_rows();
  for (const auto& [heads, size] :
       std::vector<std::pair<int64_t, int64_t>>{{2, 64}, {2, 24}, {1, 20}, {1, 100}}) {
    if (size > 64 && type_ == at::kFloat && GetParam().route == Route::kDevice)
      continue;  // not made for these
    const int64_t c = heads * size;
    const at::Tensor qkv = random({n, 3 * c}), grad_out = random({n, c});
    for (const double p : {0.0, 0.3}) {
      const Dropout dropout(p, DropoutSite::attention(3));
      at::Tensor out[2], grad_qkv[2], log_sums[2];
      on_both([&](int i) {
        out[i] = at::empty({n, c}, type_);
        grad_qkv[i] = at::full({n, 3 * c}, 1000, type_);
        const ops::AttentionState state =
            ops::attention(segments, heads, dropout, qkv, out[i], /*want_state=*/true);
        log_sums[i] = state.log_sum_exp;
        ops::attention_backward(segments, heads, dropout, state, {qkv, out[i], grad_out},
                                grad_qkv[i]);
      });
      expect_near(log_sums[1], log_sums[0], tolerance(type_), "log-sum-exp");
      expect_near(out[1], out[0], tolerance(type_), "out");
      for (int64_t part = 0; part < 3; ++part)
        expect_near(grad_qkv[1].narrow(1, part * c, c), grad_qkv[0].narrow(1, part * c, c),
                    2 * tolerance(type_), "gradient of q, k or v");
    }
  }
}

TEST_P(Device, AttentionWithoutABackwardKeepsNothing) {
  const ops::Segments segments = segments_of({5, 3});
  const at::Tensor qkv = random({8, 48});
  at::Tensor out[2];
  on_both([&](int i) {
    out[i] = at::empty({8, 16}, type_);
    EXPECT_FALSE(ops::attention(segments, 1, {}, qkv, out[i], false).log_sum_exp.defined());
  });
  expect_near(out[1], out[0], tolerance(type_), "out");
}

TEST_P(Device, WeightGradientsAreAddedUpInFloat32) {
  const at::Tensor grad_y = at::full({300, 8}, 30, type_), x = at::full({300, 8}, 30, type_),
                   weight = random({8, 8});
  for (const Route route : {Route::kCpu, Route::kDevice, Route::kComposed}) {
    const RouteGuard guard(route);
    const at::Tensor grad_weight = at::full({8, 8}, 0.25F);
    ops::linear_backward(grad_y, x, weight, grad_weight, {});
    // 270,000 is beyond float16, and its quarter beyond bfloat16.
    EXPECT_TRUE(grad_weight.eq(300 * 900 + 0.25F).all().item<bool>());
  }
}

TEST_P(Device, LinearLayers) {
  for (const bool with_bias : {true, false}) {
    const int64_t n = 19, in = 24, out = 37, stride = 40;
    const at::Tensor x = random({n, in}), weight = random({out, in}),
                     bias = with_bias ? random({out}) : at::Tensor();
    at::Tensor y[2], grad_weight[2], grad_x[2];
    for (const int i : {0, 1}) {
      const RouteGuard guard(i == 0 ? Route::kCpu : GetParam().route);
      y[i] = random({n, stride}).narrow(1, 0, out);
      grad_weight[i] = at::ones({out, in});
      grad_x[i] = at::empty({n, in}, type_);
      ops::linear(x, weight, bias, y[i]);
      ops::linear_backward(y[i], x, weight, grad_weight[i], grad_x[i]);
    }
    expect_near(y[1], y[0], tolerance(type_), "y");
    expect_near(grad_weight[1], grad_weight[0], tolerance(type_), "gradient of the weight");
    expect_near(grad_x[1], grad_x[0], tolerance(type_), "gradient of the input");
  }
}

/// The two products around a GELU: with it as their epilogue, and, where rows are no whole packs or
/// the GELU is the exact one, with a kernel of its own.
TEST_P(Device, LinearLayersWithGelu) {
  for (const int64_t wide : {40, 36, 37})
    for (const bool tanh : {true, false}) {
      const int64_t n = 19, c = 24;
      const at::Tensor x = random({n, c}), up = random({wide, c}), bias = random({wide}),
                       down = random({c, wide}), grad_y = random({n, c});
      at::Tensor pre[2], out[2], grad[2], sums[2];
      on_both([&](int i) {
        for (at::Tensor* made : {&pre[i], &out[i], &grad[i]}) *made = at::empty({n, wide}, type_);
        sums[i] = at::ones({wide});
        ops::linear_gelu(x, up, bias, tanh, pre[i], out[i]);
        ops::linear_gelu_backward(grad_y, down, pre[i], tanh, grad[i], sums[i]);
      });
      expect_near(pre[1], pre[0], tolerance(type_), "what goes into the GELU");
      expect_near(out[1], out[0], tolerance(type_), "GELU");
      expect_near(grad[1], grad[0], 2 * tolerance(type_), "gradient");
      expect_near(sums[1], sums[0], 2 * tolerance(type_), "sums");
    }
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  const char* orders[] = {"Forward", "Backward", "Shuffled"};
  return std::string(c10::toString(info.param.type)) +
         (info.param.route == Route::kComposed ? "Composed"
                                               : orders[static_cast<int>(info.param.order)]);
}

INSTANTIATE_TEST_SUITE_P(
    All, Device,
    ::testing::Values(Case{at::kFloat, Route::kDevice, ThreadOrder::kForward},
                      Case{at::kFloat, Route::kDevice, ThreadOrder::kShuffled},
                      Case{at::kHalf, Route::kDevice, ThreadOrder::kBackward},
                      Case{at::kBFloat16, Route::kDevice, ThreadOrder::kForward},
                      Case{at::kFloat, Route::kComposed, ThreadOrder::kForward},
                      Case{at::kBFloat16, Route::kComposed, ThreadOrder::kForward}),
    name_of);

}  // namespace
}  // namespace precis
