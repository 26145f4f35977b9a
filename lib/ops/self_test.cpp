#include "lib/ops/self_test.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "lib/ops/attention.h"
#include "lib/ops/cached_attention.h"
#include "lib/ops/cross_entropy.h"
#include "lib/ops/embedding.h"
#include "lib/ops/gelu.h"
#include "lib/ops/linear.h"
#include "lib/ops/measuring.h"
#include "lib/ops/norm.h"
#include "lib/ops/route.h"
#include "lib/ops/sums.h"
#include "lib/tensor/device_graph.h"

namespace precis::ops {
namespace {

/// What a check works on: the side, and made-up numbers that are the same on both sides.
class Side {
 public:
  Side(at::Device device, at::ScalarType type)
      : device_(device), type_(type), generator_(at::detail::createCPUGenerator(/*seed=*/11)) {}

  /// Of the element type.
  at::Tensor random(at::IntArrayRef sizes) { return numbers(sizes).to(type_); }
  /// float32.
  at::Tensor numbers(at::IntArrayRef sizes) { return at::randn(sizes, generator_).to(device_); }
  at::Tensor empty(at::IntArrayRef sizes) const { return zeros(sizes).to(type_); }
  at::Tensor zeros(at::IntArrayRef sizes) const {
    return at::zeros(sizes, at::TensorOptions(device_));
  }
  at::Tensor ids(int64_t n, int64_t step, int64_t below) const {
    return (at::arange(n) * step).remainder(below).to(device_);
  }
  at::Device device() const { return device_; }

 private:
  at::Device device_;
  at::ScalarType type_;
  at::Generator generator_;
};

using Results = std::vector<at::Tensor>;

/// One operation, or forward and backward of it.
struct Check {
  std::string name;
  std::function<Results(Side&)> run;
};

Segments segments_of(const std::vector<int64_t>& lengths, at::Device device) {
  Segments segments;
  segments.host_offsets = {0};
  for (const int64_t length : lengths) {
    segments.host_offsets.push_back(segments.host_offsets.back() + static_cast<int32_t>(length));
    segments.max_length = std::max(segments.max_length, length);
  }
  segments.offsets = at::tensor(segments.host_offsets, at::kInt).to(device);
  segments.keys = (at::arange(static_cast<int64_t>(lengths.size())) * 1234567 - 99).to(device);
  return segments;
}

Check attention_check(std::string name, std::vector<int64_t> lengths, int64_t head_size,
                      double dropped) {
  return {std::move(name), [=](Side& side) -> Results {
            const int64_t heads = 2, c = heads * head_size;
            const Segments segments = segments_of(lengths, side.device());
            const int64_t n = segments.num_rows();
            const Dropout dropout(dropped, DropoutSite::attention(3));
            const at::Tensor qkv = side.random({n, 3 * c}), grad_out = side.random({n, c});
            const at::Tensor out = side.empty({n, c}), grad_qkv = side.empty({n, 3 * c});
            const AttentionState state = attention(segments, heads, dropout, qkv, out, true);
            attention_backward(segments, heads, dropout, state, {qkv, out, grad_out}, grad_qkv);
            return {out, grad_qkv};
          }};
}

Check norm_check(int64_t n, int64_t c) {
  return {fmt::format("residual sum and norm of {} channels", c), [=](Side& side) -> Results {
            const RowIds rows{side.ids(n, 7919, 1 << 20), side.ids(n, 1, 11)};
            const RowDropout drop{rows, Dropout(0.1, DropoutSite::mlp_output(2))};
            const Norm norm{side.numbers({c}), side.numbers({c}), 1e-5};
            const NormState state{side.zeros({n, c}), side.zeros({n}), side.zeros({n})};
            const at::Tensor h = side.empty({n, c}), grad_y = side.empty({n, c}),
                             residual = side.numbers({n, c}), sums = side.zeros({c});
            const Norm grads{side.zeros({c}), side.zeros({c}), 1e-5};
            residual_norm(side.numbers({n, c}), side.random({n, c}), drop, norm, state, h);
            residual_norm_backward(side.random({n, c}), drop, norm, state,
                                   {residual, grad_y, sums, grads});
            return {h, state.x, residual, grad_y, sums, grads.weight, grads.bias};
          }};
}

Check embedding_check(int64_t n, int64_t c) {
  return {"embedding", [=](Side& side) -> Results {
            const RowIds rows{side.ids(n, 7919, 1 << 20), side.ids(n, 1, 11)};
            const RowDropout drop{rows, Dropout(0.1, DropoutSite::embedding())};
            const at::Tensor tokens = side.ids(n, 13, 29), wte = side.numbers({29, c}),
                             wpe = side.numbers({11, c}), out = side.zeros({n, c}),
                             grad_wte = side.zeros({29, c}), grad_wpe = side.zeros({11, c});
            embed(tokens, drop, wte, wpe, out);
            embed_backward(tokens, drop, side.numbers({n, c}), grad_wte, grad_wpe);
            return {out, grad_wte, grad_wpe};
          }};
}

Check head_check(int64_t rows, int64_t vocabulary) {
  return {"head and cross-entropy", [=](Side& side) -> Results {
            const int64_t c = 64, stride = vocabulary + 64 - vocabulary % 64;
            const at::Tensor h = side.random({rows, c}), wte = side.random({vocabulary, c}) * 0.1,
                             grad_wte = side.zeros({vocabulary, c}), grad_h = side.empty({rows, c});
            const bool cpu = route_of(h) == Route::kCpu;
            const at::Tensor logits =
                side.empty({rows, cpu ? vocabulary : stride}).narrow(1, 0, vocabulary);
            linear(h, wte, {}, logits);
            const at::Tensor loss = cross_entropy(logits, side.ids(rows, 97, vocabulary), 0.25);
            linear_backward(logits, h, wte, grad_wte, grad_h);
            return {loss, grad_wte, grad_h};
          }};
}

Check gelu_check(int64_t n, int64_t c, bool tanh) {
  return {tanh ? "GELU (tanh)" : "GELU", [=](Side& side) -> Results {
            const at::Tensor x = side.random({n, c}), out = side.empty({n, c}),
                             grad = side.random({n, c}), sums = side.zeros({c});
            gelu(x, tanh, out);
            gelu_backward(grad, x, tanh, grad, sums);
            return {out, grad, sums};
          }};
}

/// A linear layer on n rows, forward and backward. Measured, so that measuring is seen to leave the
/// results alone.
Check linear_check(int64_t n, int64_t in, int64_t out) {
  return {"linear layer", [=](Side& side) -> Results {
            const MeasuringGuard measuring(true);
            const at::Tensor x = side.random({n, in}), weight = side.random({out, in}) * 0.1,
                             bias = side.random({out}), grad_y = side.random({n, out}),
                             y = side.empty({n, out}), grad_x = side.empty({n, in}),
                             grad_weight = side.numbers({out, in});
            linear(x, weight, bias, y);
            linear_backward(grad_y, x, weight, grad_weight, grad_x);
            return {y, grad_weight, grad_x};
          }};
}

/// The products around the GELU of an MLP of c channels.
Check mlp_check(int64_t n, int64_t c) {
  return {"linear layers with GELU (tanh)", [=](Side& side) -> Results {
            const MeasuringGuard measuring(true);
            const at::Tensor x = side.random({n, c}), up = side.random({4 * c, c}) * 0.1,
                             bias = side.random({4 * c}), down = side.random({c, 4 * c}) * 0.1,
                             grad_y = side.random({n, c}), pre = side.empty({n, 4 * c}),
                             out = side.empty({n, 4 * c}), grad = side.empty({n, 4 * c}),
                             sums = side.numbers({4 * c});
            linear_gelu(x, up, bias, /*tanh=*/true, pre, out);
            linear_gelu_backward(grad_y, down, pre, /*tanh=*/true, grad, sums);
            return {pre, out, grad, sums};
          }};
}

Check sums_check(int64_t n, int64_t c) {
  return {"sums", [=](Side& side) -> Results {
            const at::Tensor sums = side.zeros({c});
            add_column_sums(side.random({n, c}), sums);
            return {sums, norm_tensor(side.numbers({n * c}))};
          }};
}

Check cached_attention_check(int64_t longest) {
  return {"attention over a cache", [=](Side& side) -> Results {
            const int64_t heads = 2, c = 128, rows = 3, slots = rows * longest;
            const std::vector<int32_t> lengths{static_cast<int32_t>(longest), 1, 3};
            std::vector<int32_t> table;
            for (int64_t i = 0; i < rows * longest; ++i)
              table.push_back(static_cast<int32_t>(i * 37 % slots));
            const at::Tensor there = at::tensor(table, at::kInt).to(side.device()),
                             counts = at::tensor(lengths, at::kInt).to(side.device());
            const CachedRows where{table.data(),
                                   lengths.data(),
                                   rows,
                                   longest,
                                   there.const_data_ptr<int32_t>(),
                                   counts.const_data_ptr<int32_t>()};
            const at::Tensor out = side.empty({rows, c}), cache = side.random({slots, 2 * c});
            cached_attention(where, heads, side.random({rows, 3 * c}), cache, out);
            return {out, cache};
          }};
}

/// A sequence that is recorded and started again with other numbers in the same place.
Check recorded_check(int64_t n, int64_t c) {
  return {"a recorded sequence", [=](Side& side) -> Results {
            const RowIds rows;
            const Norm norm{side.numbers({c}), side.numbers({c}), 1e-5};
            const NormState state{side.zeros({n, c}), {}, {}};
            const at::Tensor x = side.numbers({n, c}), y = side.random({n, c}),
                             weight = side.random({c, c}) * 0.1, bias = side.random({c}),
                             h = side.empty({n, c}), out = side.empty({n, c});
            const auto work = [=] {
              residual_norm(x, y, {rows, {}}, norm, state, h);
              linear(h, weight, bias, out);
            };
            Results all;
            const auto next = [&](const std::function<void()>& run) {
              at::Tensor(x).copy_(side.numbers({n, c}));
              at::Tensor(y).copy_(side.random({n, c}));
              run();
              all.insert(all.end(), {state.x.clone(), out.clone()});
            };
            const auto graph = make_device_graph(side.device());
            next(work);
            next([&] { graph->record(work); });
            next([&] { graph->replay(); });
            return all;
          }};
}

/// <gradient, direction> of attention with dropout, and the same by central differences: on the
/// device both. The CPU's side returns the first twice.
Check finite_differences_check() {
  return {"attention's gradient by finite differences", [](Side& side) -> Results {
            const int64_t c = 32;
            const Segments segments = segments_of({70, 9}, side.device());
            const int64_t n = segments.num_rows();
            const Dropout dropout(0.2, DropoutSite::attention(1));
            const at::Tensor qkv = side.numbers({n, 3 * c}), weight = side.numbers({n, c}),
                             direction = side.numbers({n, 3 * c}), out = side.zeros({n, c}),
                             grad_qkv = side.zeros({n, 3 * c});
            const AttentionState state = attention(segments, 2, dropout, qkv, out, true);
            attention_backward(segments, 2, dropout, state, {qkv, out, weight}, grad_qkv);
            constexpr double kStep = 1e-2;
            const auto value = [&](double step) {
              attention(segments, 2, dropout, qkv + direction * step, out, false);
              return (out * weight).sum(at::kDouble);
            };
            const at::Tensor slope = (grad_qkv * direction).sum(at::kDouble),
                             measured = (value(kStep) - value(-kStep)) / (2 * kStep);
            return {slope, route_of(qkv) == Route::kCpu ? slope : measured};
          }};
}

std::vector<Check> checks_of(SelfTest size) {
  std::vector<Check> checks{
      attention_check("attention with dropout", {70, 1, 33}, 64, 0.2),
      attention_check("attention", {70, 1, 33}, 64, 0),
      norm_check(9, 768),
      embedding_check(33, 72),
      head_check(7, 1003),
      gelu_check(9, 256, true),
      gelu_check(9, 256, false),
      linear_check(33, 72, 40),
      mlp_check(33, 64),
      sums_check(33, 72),
      cached_attention_check(40),
      recorded_check(9, 768),
  };
  if (size == SelfTest::kShort) return checks;
  for (Check& check : std::vector<Check>{
           attention_check("attention with dropout, long", {513, 1, 64, 130, 0, 1024}, 64, 0.1),
           attention_check("attention with dropout, wide heads", {70, 129}, 128, 0.1),
           attention_check("attention with dropout, heads of 20", {70, 129}, 20, 0.1),
           attention_check("attention, long", {513, 1, 64, 130, 1024}, 64, 0),
           norm_check(3001, 768), norm_check(301, 1600), norm_check(33, 2048),
           head_check(1025, 50257), gelu_check(3001, 3072, true), linear_check(3001, 768, 2304),
           mlp_check(3001, 768), sums_check(3001, 2304), cached_attention_check(1024),
           finite_differences_check()})
    checks.push_back(std::move(check));
  return checks;
}

double distance_of(const Results& device, const Results& cpu) {
  double most = 0;
  for (size_t i = 0; i < cpu.size(); ++i) {
    const at::Tensor there = device[i].to(at::kCPU, at::kDouble), here = cpu[i].to(at::kDouble);
    const double apart = (there - here).norm().item<double>(), size = here.norm().item<double>();
    if (!std::isfinite(apart)) return std::numeric_limits<double>::infinity();
    most = std::max(most, apart / std::max(size, 1e-30));
  }
  return most;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// Sums in another order; roundings to the element type, of which a backward has several.
double allowed_for(at::ScalarType type) {
  return type == at::kFloat ? 1e-3 : type == at::kHalf ? 5e-3 : 4e-2;
}

}  // namespace

std::vector<Comparison> compare_with_cpu(at::Device device, at::ScalarType type, SelfTest size) {
  std::vector<Comparison> all;
  for (const Check& check : checks_of(size)) {
    const auto run = [&](at::Device on, Route route) {
      const RouteGuard guard(route);
      Side side(on, type);
      return check.run(side);
    };
    const Results cpu = run(at::kCPU, Route::kCpu);
    Comparison found{check.name, std::numeric_limits<double>::infinity(), allowed_for(type), {}};
    try {
      found.distance = distance_of(run(device, Route::kDevice), cpu);
    } catch (const std::exception& failed) {
      found.failure = first_line(failed.what());
    }
    all.push_back(std::move(found));
  }
  return all;
}

std::string describe_differences(const std::vector<Comparison>& comparisons) {
  std::string text;
  for (const Comparison& c : comparisons)
    if (!c.agrees())
      text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", c.operation,
                          c.failure.empty()
                              ? fmt::format("{:.2g} apart, {:.2g} allowed", c.distance, c.allowed)
                              : c.failure);
  return text;
}

}  // namespace precis::ops
